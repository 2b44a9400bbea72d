"""Records of runs, and the tables and pages made of them."""
