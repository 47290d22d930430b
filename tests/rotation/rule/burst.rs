//! One token, presented many times at once.

use std::collections::HashSet;
use std::sync::Arc;

use auth_core::__private::rotation::{Pair, ParsedToken, Refresh, Rotated, Verdict};
use auth_core::store::LoginStore as _;
use tokio::sync::Barrier;

use super::support::{GRACE, MILLI, Owner};

const TIMES: usize = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_presentations_of_the_current_token_are_one_rotation() {
    let owner = Arc::new(Owner::new().await);
    let answers = present_at_once(&owner, &owner.first).await;
    let rotations = answers.iter().filter(|answer| matches!(answer.verdict, Verdict::Rotate { .. }));
    assert_eq!(rotations.count(), 1);
    assert_eq!(texts(&owner, &answers).len(), 1);
    assert_eq!(owner.login().await.unwrap().generation, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_late_presentations_of_the_predecessor_are_one_replacement() {
    let owner = Arc::new(Owner::new().await);
    let lost = owner.present(&owner.first).await.unwrap();
    owner.clock.advance(GRACE);
    let answers = present_at_once(&owner, &owner.first).await;
    let replaced = answers.iter().filter(|answer| matches!(answer.verdict, Verdict::ReplaceSuccessor { .. }));
    assert_eq!(replaced.count(), 1);
    let texts = texts(&owner, &answers);
    assert_eq!(texts.len(), 1);
    assert!(!texts.contains(&owner.text(&lost.token)));
    let login = owner.login().await.unwrap();
    assert_eq!((login.generation, login.branch), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_presentations_of_a_used_predecessor_within_the_grace_are_counted_once() {
    let owner = Arc::new(Owner::new().await);
    let successor = owner.present(&owner.first).await.unwrap().token;
    owner.use_token(&successor).await;
    owner.clock.advance(GRACE - MILLI);
    let answers = present_at_once(&owner, &owner.first).await;
    let counted = answers.iter().filter(|answer| answer.verdict == Verdict::Shared { streak: 1 });
    assert_eq!(counted.count(), 1);
    assert_eq!(texts(&owner, &answers), HashSet::from([owner.text(&successor)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_presentations_of_a_stolen_token_are_one_theft() {
    let owner = Arc::new(Owner::new().await);
    let successor = owner.present(&owner.first).await.unwrap().token;
    owner.use_token(&successor).await;
    owner.clock.advance(GRACE);
    let thefts = at_once(&owner, &owner.first).await.into_iter().filter_map(Result::err).filter(|error| {
        matches!(error, auth_core::__private::rotation::RotateError::Stolen { generations: 1, .. })
    });
    assert_eq!(thefts.count(), 1);
    let login = owner.store.login(&owner.realm, owner.id()).await.unwrap().value;
    assert_eq!(login, None);
}

async fn present_at_once(owner: &Arc<Owner>, token: &ParsedToken) -> Vec<Rotated> {
    at_once(owner, token).await.into_iter().map(Result::unwrap).collect()
}

async fn at_once(
    owner: &Arc<Owner>,
    token: &ParsedToken,
) -> Vec<Result<Rotated, auth_core::__private::rotation::RotateError>> {
    let barrier = Arc::new(Barrier::new(TIMES));
    let requests: Vec<_> = (0..TIMES)
        .map(|_| {
            let (owner, token, barrier) = (owner.clone(), token.clone(), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                let Owner { store, realm, peppers, policy, .. } = &*owner;
                Refresh { store, realm, peppers, policy }.rotate(&token, Pair::Missing).await
            })
        })
        .collect();
    let mut answers = Vec::new();
    for request in requests {
        answers.push(request.await.unwrap());
    }
    assert_eq!(answers.len(), TIMES);
    answers
}

fn texts(owner: &Owner, answers: &[Rotated]) -> HashSet<String> {
    answers.iter().map(|answer| owner.text(&answer.token)).collect()
}
