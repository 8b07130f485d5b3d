"""Files of users that change what passes: scripts loaded, rule files read and watched."""

from ws76proxy.editing.loading import load_script, scripts_of
from ws76proxy.editing.rulefiles import DEFAULT_INTERVAL, RuleFiles, Told

__all__ = ["DEFAULT_INTERVAL", "RuleFiles", "Told", "load_script", "scripts_of"]
