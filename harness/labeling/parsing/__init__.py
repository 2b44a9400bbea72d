"""From a model's words to an outcome: one label, an abstention, a refusal, or nothing that can be used.

    parser = Parser(label_space("abaw-compound-7"))
    parser.parse("Not Sadly Angry, rather **Sadly Fearful**.")   # Parsed(outcome="label", label=5, reason="named")

Pure: the same text always gives the same outcome, so that stored replies can be parsed again without asking anyone.
"""

from harness.labeling.parsing.deciding import Parsed
from harness.labeling.parsing.parser import PARSER_VERSION, Parser

__all__ = ["PARSER_VERSION", "Parsed", "Parser"]
