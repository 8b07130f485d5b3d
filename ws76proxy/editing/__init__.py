"""Files of users that change what passes: scripts loaded, rule files read and watched."""

from ws76proxy.editing.options import EditingOptions
from ws76proxy.editing.rule_files import RuleFiles
from ws76proxy.editing.script_files import load_script, scripts_of

__all__ = ["EditingOptions", "RuleFiles", "load_script", "scripts_of"]
