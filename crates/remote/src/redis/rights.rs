//! What users of the server's ACL need.

/// The rules of a worker, for `ACL SETUSER NAME on >PASSWORD RULES`. It cannot change a plan.
pub const WORKER_RIGHTS: &str = "resetkeys resetchannels -@all \
    %R~canvass:campaigns %R~canvass:{*}:plan ~canvass:{*}:[^p]* \
    +select +info +smembers +exists +multi +exec +hsetnx +evalsha +script|load \
    +hget +hmget +hset +hdel +hincrby +hlen +hstrlen +hgetall \
    +xadd +xack +xdel +xclaim +xpending +xread +xreadgroup +xrevrange +xgroup|delconsumer \
    +zadd +zcard +zcount +zrange +zrem +zunionstore +del +time";

/// The rules of a submitter.
pub const SUBMITTER_RIGHTS: &str = "resetkeys resetchannels -@all \
    ~canvass:campaigns ~canvass:{*}:* \
    +select +info +smembers +exists +sadd +srem +evalsha +script|load \
    +hget +hmget +hset +hdel +hincrby +hlen +hstrlen +hgetall +hkeys \
    +xadd +xack +xdel +xpending +xread +xrange +xgroup|create +xgroup|delconsumer \
    +zscore +time +unlink";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_docs_has_these_rights() {
        let page = include_str!("../../../../docs/SCALE.md");
        let words: Vec<&str> = page.split_whitespace().collect();
        let page = words.join(" ");
        for rights in [WORKER_RIGHTS, SUBMITTER_RIGHTS] {
            assert!(page.contains(rights), "docs/SCALE.md lacks {rights}");
        }
    }
}
