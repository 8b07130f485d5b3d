"""The relay between real peers: implementations of hixie-76 and hixie-75 that no one here wrote."""
