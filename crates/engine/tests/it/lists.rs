//! Listing keys.

use crate::lake::Lake;
use crate::lake::query;

/// Some keys committed, some staged, one of them deleted.
async fn some_keys() -> Lake {
    let lake = Lake::new().await;
    for key in ["a", "dir/1", "dir/2", "dir/sub/1", "gone/1", "z"] {
        lake.put("main", key, "0").await.expect("staged");
    }
    lake.commit("main", "base").await.expect("committed");
    for key in ["ab", "dir/3", "e/x/y"] {
        lake.put("main", key, "1").await.expect("staged");
    }
    lake.delete("main", &["gone/1", "dir/1"]).await.expect("deleted");
    lake
}

#[tokio::test]
async fn pages_fold_what_is_below_a_delimiter() {
    let lake = some_keys().await;
    for (prefix, delimiter, after, amount, expected, more) in [
        ("", "", "", 100, "a ab dir/2 dir/3 dir/sub/1 e/x/y z", false),
        ("", "/", "", 100, "a ab dir/ e/ z", false),
        ("", "/", "", 2, "a ab", true),
        ("", "/", "ab", 2, "dir/ e/", true),
        ("", "/", "dir/", 2, "e/ z", false),
        // `a` is no common prefix, although `ab` begins with it.
        ("", "/", "a", 1, "ab", true),
        ("dir/", "/", "", 100, "dir/2 dir/3 dir/sub/", false),
        ("dir/", "/", "dir/3", 100, "dir/sub/", false),
        ("dir/", "/", "dir/sub/", 100, "", false),
        ("dir", "/", "", 100, "dir/", false),
        ("d", "", "", 2, "dir/2 dir/3", true),
        ("dir/", "", "a", 100, "dir/2 dir/3 dir/sub/1", false),
        ("dir/", "", "z", 100, "", false),
        ("gone/", "/", "", 100, "", false),
        ("", "x/", "", 100, "a ab dir/2 dir/3 dir/sub/1 e/x/ z", false),
    ] {
        let query = query(prefix, delimiter, after, amount);
        let (names, has_more) = lake.names("main", &query).await;
        assert_eq!((names.join(" ").as_str(), has_more), (expected, more), "{query:?}");
    }
    let (committed, _) = lake.names("main@", &query("", "/", "", 100)).await;
    assert_eq!(committed, ["a", "dir/", "gone/", "z"]);
}

#[tokio::test]
async fn pages_put_together_are_the_list() {
    let lake = Lake::new().await;
    for number in 0..300 {
        lake.put("main", &format!("k{number:03}"), "0").await.expect("staged");
        if number == 150 {
            lake.commit("main", "half").await.expect("committed");
        }
    }
    for amount in [1, 7, 299, 300, 301] {
        let mut names: Vec<String> = Vec::new();
        loop {
            let after = names.last().cloned().unwrap_or_default();
            let (page, has_more) = lake.names("main", &query("", "", &after, amount)).await;
            assert!(!has_more || page.len() == amount);
            names.extend(page);
            if !has_more {
                break;
            }
        }
        assert_eq!(names.len(), 300, "{amount}");
        assert!(names.is_sorted());
    }
}
