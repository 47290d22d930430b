use auth_core::__private::{GuardedArgs, Public};

struct Fake;

impl GuardedArgs for Fake {
    type Guard = Public;
}

fn main() {}
