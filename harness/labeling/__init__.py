"""Labels for faces: which faces are asked for, who answers, and which answers are believed."""
