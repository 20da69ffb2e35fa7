"""A sample operator to try the program with. Embedded mode only."""
