"""The probe: its cases, its judges, and whole runs against right and faulty servers."""
