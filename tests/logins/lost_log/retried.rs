//! Giving back what was lost fails, or its answer is lost: it is done again.

use auth_core::audit::AuditEvent;
use auth_core::store::memory::Incarnation;
use auth_tests::{Fault, Op, in_time};

use crate::lost_log::support::{LOST, Lost, PAUSES, alarms, cause, fragile, on_restores, quiet_node};

on_restores!(what_could_not_be_written_back_is_written_back_later);

async fn what_could_not_be_written_back_is_written_back_later(incarnation: Incarnation) {
    let reset = |written_back| AuditEvent::LogReset { cause: cause(incarnation), written_back };
    fail_and_try_again(incarnation, Known::Read, reset).await;
}

#[tokio::test(start_paused = true)]
async fn lost_writes_that_could_not_be_written_back_are_written_back_later() {
    let lost = |written_back| AuditEvent::WritesLost { lost: LOST, written_back };
    auth_tests::whole(fail_and_try_again(Incarnation::Same, Known::Written, lost)).await;
}

/// What a node knows of its own writes before they are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// They were acknowledged.
    Written,
    /// They were read in the log, too.
    Read,
}

const FAULTS: [Fault; 2] = [Fault::Before, Fault::After];

/// At each call that giving back takes. `said` is what the node says in the end, with how many entries the last try
/// gave back.
async fn fail_and_try_again(incarnation: Incarnation, known: Known, said: impl Fn(usize) -> AuditEvent) {
    // The page that tells, the log from its start, and the entries that are not in it.
    for (op, skipped) in [(Op::Page, 0), (Op::Page, 1), (Op::WriteBack, 0)] {
        for (fault, pause) in FAULTS.iter().flat_map(|fault| PAUSES.map(|pause| (fault.clone(), pause))) {
            let is_done = matches!((op, &fault), (Op::WriteBack, Fault::After));
            let case = format!("{op:?} {skipped} {fault:?} {pause:?}");
            let (world, store) = fragile();
            let node = quiet_node(&world).await;
            let lost = Lost::by(&[&node], &store, pause).await;
            if known == Known::Read {
                node.catch_up().await;
            }
            lost.lose(&world, &store, incarnation);
            node.store.skip(op, skipped);
            node.store.next(op, fault);
            assert!(in_time(node.auth.catch_up()).await.is_err(), "{case}");
            assert_eq!(node.events.take(), [], "{case}");
            if is_done {
                lost.assert_nothing_came_back(&world.node().await).await;
            }
            node.catch_up().await;
            assert_eq!(node.events.take(), [said(if is_done { 0 } else { LOST })], "{case}");
            for node in [&node, &world.node().await] {
                lost.assert_nothing_came_back(node).await;
            }
            node.catch_up().await;
            assert_eq!(alarms(&node), [], "{case}");
        }
    }
}
