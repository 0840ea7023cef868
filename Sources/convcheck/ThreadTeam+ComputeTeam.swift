public import Convolution
public import Serving

// Here, since neither of the two modules knows the other.
extension ThreadTeam: ComputeTeam {}
