"""From the text of a rule file to rules, or to one message that says where the fault is."""
