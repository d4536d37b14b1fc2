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
