"""How the weights are made: manifest → features → folds → linear SVM → calibration → card.

Needs the extra "train"; nothing outside this package imports it.
"""
