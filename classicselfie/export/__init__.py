"""What a port needs: weights, YuNet's tensors, and golden values of every stage.

In the order of the data: `network` (YuNet's layers), `carried` (what an app takes along), `golden`
(drawn pictures, judged), `command`. The files are told in docs/port.md.
"""
