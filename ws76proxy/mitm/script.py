"""What ``mitmdump -s`` loads: the addon, and nothing else."""

from ws76proxy.mitm.addon import Ws76

addons = [Ws76()]
