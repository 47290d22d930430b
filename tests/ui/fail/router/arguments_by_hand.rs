use auth_core::__private::Access;
use auth_core::__private::GuardedArgs;

struct Fake;

impl GuardedArgs for Fake {
    const ACCESS: Access = Access::Public;
}

fn main() {}
