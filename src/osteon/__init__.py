"""osteon: from a folder of X-ray films to a fracture classifier whose numbers can be trusted.

Research software, not a medical device.
"""

__version__ = "0.1.0"
