create table users (
    name          text    not null primary key,
    email         text    not null,
    role          text    not null check (role in ('customer', 'clerk', 'admin')),
    password_hash text    not null,
    disabled      integer not null default 0 check (disabled in (0, 1))
) strict;

-- `autoincrement`: the number of a deleted order never comes back as somebody else's.
create table orders (
    id       integer not null primary key autoincrement,
    owner    text    not null references users (name),
    item     text    not null,
    quantity integer not null check (quantity between 1 and 99),
    refunded integer not null default 0 check (refunded in (0, 1))
) strict;

create index orders_by_owner on orders (owner);
