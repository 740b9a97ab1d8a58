"""Which films show the same exposure, however they were re-made: turned, mirrored, cropped ...

signature      one film: a small picture, keypoints that any turn leaves alike, a hash
store          signatures and comparisons of films that were seen before
hashes         hashes within a few bits of each other, without comparing all pairs
candidates     pairs of films that share keypoints, without comparing all pairs
registration   lays one film over the other and correlates them
judgement      whether that is one exposure
search         all of it: the copies among many films
"""
