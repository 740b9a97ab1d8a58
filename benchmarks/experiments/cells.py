"""Out-of-fold AUROC of heads on frozen features"""
