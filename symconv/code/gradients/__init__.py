"""What functions of the code are: forward an operator, backward its gradients."""
