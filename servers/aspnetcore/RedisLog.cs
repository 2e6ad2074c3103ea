using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using StackExchange.Redis;

namespace LiveSocket;

/// <summary>
/// What `npx livesocket redis-scripts` prints: the scripts of the Node server, with the limits that are written into them, so that nodes of
/// both kinds share one log. All nodes must be given the same.
/// </summary>
public sealed record RedisScripts(long Idle, int Lease, int MaxIdle, Dictionary<string, string> Scripts)
{
    public static RedisScripts Load(string path) =>
        JsonSerializer.Deserialize<RedisScripts>(File.ReadAllText(path), new JsonSerializerOptions(JsonSerializerDefaults.Web)) ?? throw new InvalidDataException($"{path} is not what livesocket redis-scripts prints");
}

/// <summary>The log in Redis 7 that any number of Node and C# servers share: same keys, same scripts.</summary>
public sealed class RedisLog : ITopicLog
{
    /// <summary>Milliseconds for which a publish whose connection broke is sent again under its id.</summary>
    const int AskAgain = 5_000;
    readonly RedisScripts scripts;
    readonly Dictionary<string, byte[]> hashes = [];
    readonly string node = Guid.NewGuid().ToString("N")[..21], tag;
    readonly ConfigurationOptions options;
    readonly RollCall rollCall;
    readonly Task<ConnectionMultiplexer> connecting;
    readonly ConcurrentDictionary<string, ITail> tails = [];
    readonly Dictionary<string, (long Newest, string Subject, HashSet<long> Legs)> held = [];
    readonly ConcurrentDictionary<(string Session, long Leg), bool> owed = [];
    readonly CancellationTokenSource closed = new();
    readonly Task reading, tending;
    readonly Lock turn = new();
    Task<long>? joining;
    /// <summary>Since when Redis has forgotten nothing, as it last said.</summary>
    string? begun;
    string? epoch;
    string run = "";
    (string Reason, double Since)? trouble = ("not connected to Redis yet", double.NegativeInfinity);
    long stamped;

    /// <param name="configuration">As StackExchange.Redis takes it, such as <c>localhost:6379,password=…</c>; one Redis, not a cluster.</param>
    /// <param name="prefix">The prefix of all keys, which begin with <c>{prefix}:</c>. The same on every node.</param>
    public RedisLog(string configuration, RedisScripts scripts, string prefix = "livesocket")
    {
        this.scripts = scripts;
        foreach (var (name, lua) in scripts.Scripts) hashes[name] = SHA1.HashData(Encoding.UTF8.GetBytes(lua));
        tag = $"{{{prefix}}}:";
        options = ConfigurationOptions.Parse(configuration);
        (options.AbortOnConnectFail, options.BacklogPolicy, options.Protocol) = (false, BacklogPolicy.FailFast, RedisProtocol.Resp2);
        options.ReconnectRetryPolicy = new LinearRetry(200);
        connecting = ConnectionMultiplexer.ConnectAsync(options);
        rollCall = new RollCall(node, tag, scripts.Lease, async (name, keys, args) => Texts(await Evaluate(name, keys, args)), Term, () => $":{Counted()}", Heard);
        reading = Task.Run(ReadFeed);
        tending = Task.Run(Tend);
    }

    public event Action? Lost;
    public (string, TimeSpan)? Trouble => trouble is var (reason, since) ? (reason, double.IsFinite(since) ? TimeSpan.FromMilliseconds(Clock.Now - since) : TimeSpan.MaxValue) : null;

    public async Task<Answer> Append(string topic, byte[] data, Origin? origin)
    {
        var begun = Clock.Now;
        var kept = Entry.Kept(data, origin);
        Exception? broken = null;
        for (; ; )
        {
            try
            {
                // When it is sent again, it counts as a repeat: if its first answer was lost, it must not be taken for never applied.
                double? age = broken is null && origin?.Age is null ? null : (origin?.Age ?? 0) + Clock.Now - begun + 1;
                var (root, said) = await Run("append", root => ([Key("root"), Key("feed"), Key($"topics:{root}"), Key($"record:{root}:{Name(origin?.Session ?? "")}"), Key($"session:{Name(origin?.Session ?? "")}"), Key($"topic:{root}:{Name(topic)}")],
                    [Name(topic), kept, origin is null ? "" : Name(origin.Id), Place(origin, age), "", $"{node[..8]}.{Interlocked.Increment(ref stamped)}"]));
                if (Text(said[0]) == "new")
                {
                    rollCall.Knows(new Mark(root, Number(said[2]), Text(said[5])));
                    // A feed that has everything before it is told now, together with the answer.
                    if (tails.TryGetValue(topic, out var tail)) tail.Appended(Text(said[3]), new Entry(topic, Number(said[4]), kept));
                }
                Heard(said[^1]);
                return AnswerOf((byte[])said[1]!);
            }
            catch (LogAway) when (broken is null) { throw; }
            // Redis itself failed in the middle of the script: sent again, it might apply half of it twice.
            catch (Exception error) when (error is not RedisServerException && origin is not null && Clock.Now - begun < AskAgain)
            {
                broken ??= error;
                await Task.Delay(50);
            }
        }
    }

    public async Task<Answer> Refuse(Origin origin, Answer nack)
    {
        var recorded = Encoding.UTF8.GetString(Frames.Encode(new { type = "nack", code = nack.Code, message = nack.Message }));
        var (_, said) = await Run("find", root => ([Key("root"), Key($"record:{root}:{Name(origin.Session)}"), Key($"session:{Name(origin.Session)}")], [Name(origin.Id), Name(origin.Topic), Place(origin, origin.Age), $"n{recorded}"]));
        Heard(said[2]);
        return AnswerOf((byte[])said[1]!);
    }

    public async Task<Head> GetHead(string topic)
    {
        var (root, said) = await Run("head", root => ([Key("root"), Key("feed"), Key($"topic:{root}:{Name(topic)}"), Key($"topics:{root}")], [Name(topic), tails.ContainsKey(topic) ? "1" : ""]));
        rollCall.Knows(new Mark(root, Number(said[4]), Text(said[6])));
        return new Head(Text(said[1]), Number(said[2]), Number(said[3]));
    }

    public async Task<Page> Read(string topic, long after)
    {
        var (_, said) = await Run("read", root => ([Key("root"), Key($"topic:{root}:{Name(topic)}")], [Name(topic), after, 256, 262_144]));
        var entries = new List<Entry>();
        for (var at = 2; at + 1 < said.Length; at += 2) if (!said[at + 1].IsNull) entries.Add(new Entry(topic, long.Parse(Text(said[at]).Split('-')[0], CultureInfo.InvariantCulture), (byte[])said[at + 1]!));
        return new Page(Text(said[1]), entries);
    }

    public void Follow(string topic, ITail tail) => tails[topic] = tail;
    public void Unfollow(string topic) => tails.TryRemove(topic, out _);

    public async Task<Admission> Admit(string session, long leg, string? subject)
    {
        var who = subject is null ? "-" : Name(subject);
        try
        {
            var (_, said) = await Run("admit", _ => (SessionKeys(session), [leg, who, node, scripts.Idle, scripts.Lease, $"{leg} {Name(session)}"]));
            if (Text(said[0]) != "admitted") return Text(said[0]) == "superseded" ? Admission.Superseded : Admission.Forbidden;
        }
        // The leg may be admitted anyway, and the caller does not know that it has to release it.
        catch (Exception error) when (error is not LogAway) { owed[(session, leg)] = false; throw; }
        lock (held)
        {
            var (newest, _, legs) = held.GetValueOrDefault(session, (leg, who, []));
            legs.Add(leg);
            held[session] = (Math.Max(newest, leg), who, legs);
        }
        return Admission.Admitted;
    }

    public async Task Release(string session, long leg)
    {
        lock (held) if (held.TryGetValue(session, out var one) && one.Legs.Remove(leg) && one.Legs.Count == 0) held.Remove(session);
        try { await ReleaseNow(session, leg, false); }
        // Redis is told when it is back.
        catch (Exception) { owed[(session, leg)] = true; }
    }

    Task ReleaseNow(string session, long leg, bool again) =>
        Run("release", _ => (SessionKeys(session), [leg, node, scripts.Idle, scripts.Lease, $"{leg} {Name(session)}", again ? "1" : "", scripts.MaxIdle]));

    /// <summary>Renews the lease that keeps this node's legs alive, and takes over those of nodes that died.</summary>
    async Task Tend()
    {
        // Redis may have lost sessions that are here, and was not told of all of them since.
        var untold = false;
        for (var tick = 0; !closed.IsCancellationRequested; tick++)
        {
            try
            {
                if (tick > 0) await Task.Delay(scripts.Lease / 3, closed.Token);
                // Each session now and then, long before it would be forgotten.
                untold |= await Renew((at, _) => at % 60 == tick % 60);
                if (untold) await Renew((_, _) => true);
                untold = false;
                foreach (var names in tails.Keys.Chunk(500)) if (tick % 12 == 0) await Run("follow", root => ([Key("root"), Key($"topics:{root}")], [.. names.Select(Name)]));
                for (var more = true; more;)
                {
                    // Nodes that report sessions come first: this node reports none.
                    var (_, taken) = await Run("sweep", _ => ([Key("root"), Key("nodes"), Key($"legs:{node}"), Key("members")], [node, scripts.Lease, scripts.Idle, tag, 100]));
                    for (var at = 1; at + 2 < taken.Length; at += 3) if (Plain(Text(taken[at + 1])) is { } name) owed[(name, Number(taken[at]))] = false;
                    more = taken.Length > 1;
                }
                foreach (var ((session, leg), again) in owed.ToArray()) { await ReleaseNow(session, leg, again); owed.TryRemove((session, leg), out _); }
            }
            catch (OperationCanceledException) { return; }
            // The feed's reader reports a Redis that is away.
            catch (Exception) { }
        }
    }

    /// <summary>
    /// Tells Redis of sessions that are here. True: this node may have been taken for dead, or its sessions may have been forgotten.
    /// </summary>
    async Task<bool> Renew(Func<int, string, bool> due)
    {
        var late = false;
        (string Session, string Newest, string Subject, string Legs)[] all;
        lock (held) all = [.. held.Where((one, at) => due(at, one.Key)).Select(one => (one.Key, $"{one.Value.Newest}", one.Value.Subject, string.Join(' ', one.Value.Legs)))];
        foreach (var some in all.Length == 0 ? [all] : all.Chunk(500))
        {
            var (root, said) = await Run("renew", _ => ([Key("root"), Key("nodes"), Key($"legs:{node}"), Key("idle"), .. some.Select(one => Key($"session:{Name(one.Session)}"))],
                [node, scripts.Lease, scripts.Idle, .. some.SelectMany(one => new object[] { one.Newest, one.Subject, Name(one.Session), one.Legs })]));
            late |= Text(said[1]) == "late" || begun is not null && begun != Text(said[5]);
            begun = Text(said[5]);
            rollCall.Knows(new Mark(root, Number(said[2]), Text(said[3])));
            Heard(said[4]);
        }
        return late;
    }

    /// <summary>Everything that this node listens to, over one blocking read: what is appended to any topic.</summary>
    async Task ReadFeed()
    {
        ConnectionMultiplexer? connection = null;
        (string Id, long Seq)? place = null;
        while (!closed.IsCancellationRequested)
        {
            try
            {
                // A connection of its own: a blocking read delays whatever is sent behind it.
                connection ??= await ConnectionMultiplexer.ConnectAsync(options);
                if (place is null)
                {
                    var appends = await Join();
                    var newest = (RedisResult[])(await connection.GetDatabase().ExecuteAsync("XREVRANGE", Key("feed"), "+", "-", "COUNT", "1"))!;
                    place = (newest.Length == 0 ? "0-0" : Text(((RedisResult[])newest[0]!)[0]), appends);
                    foreach (var tail in tails.Values) tail.Behind();
                    _ = Renew((_, _) => true).ContinueWith(done => done.Exception);
                    trouble = null;
                }
                var from = place.Value;
                var reply = await connection.GetDatabase().ExecuteAsync("XREAD", "COUNT", "500", "BLOCK", "1000", "STREAMS", Key("feed"), from.Id);
                if (reply.IsNull)
                {
                    // There were appends that the feed does not contain: it was deleted, or has gone back.
                    if (await Join() != from.Seq && (await connection.GetDatabase().ExecuteAsync("XREAD", "COUNT", "1", "STREAMS", Key("feed"), from.Id)).IsNull) place = null;
                    continue;
                }
                foreach (var entry in (RedisResult[])((RedisResult[])((RedisResult[])reply!)[0]!)[1]!) place = from = await Hear((RedisResult[])entry!, from);
            }
            catch (Exception error)
            {
                place = null;
                trouble ??= (error is RedisServerException ? $"Redis answers {error.Message.Split(' ')[0]}" : "no connection to Redis", Clock.Now);
                await Task.Delay(100);
            }
        }
        if (connection is not null) await connection.CloseAsync();
    }

    async Task<(string Id, long Seq)> Hear(RedisResult[] entry, (string Id, long Seq) before)
    {
        var id = Text(entry[0]);
        var field = (RedisResult[])entry[1]!;
        // The count of appends, the offset, the epoch, the stamp and the topic; or an epoch that begins.
        var parts = Text(field[0]).Split(':', 5);
        if (parts is ["e"]) { await Join(); return (id, before.Seq); }
        if (parts.Length < 5 || !long.TryParse(parts[0], out var seq) || !long.TryParse(parts[1], out var offset) || Plain(parts[4]) is not { } topic) return (id, before.Seq);
        rollCall.Knows(new Mark(parts[2][..parts[2].LastIndexOf('.')], seq, $"{id}:{parts[3]}"));
        // The feed was trimmed while this node was away, or Redis lost part of it. The topics themselves have more.
        if (seq != before.Seq + 1) foreach (var one in tails.Values) one.Behind();
        if (tails.TryGetValue(topic, out var tail)) tail.Appended(parts[2], new Entry(topic, offset, (byte[])field[1]!));
        return (id, seq);
    }

    /// <summary>Asks Redis which epoch holds. Returns the number of appends.</summary>
    Task<long> Join()
    {
        lock (turn) return joining is { IsCompleted: false } ? joining : joining = Task.Run(async () =>
        {
            var (now, runs, appends) = await rollCall.Join();
            var lost = epoch is not null && epoch != now;
            (epoch, run) = (now, runs);
            if (!lost) return appends;
            Lost?.Invoke();
            foreach (var tail in tails.Values) tail.Behind();
            return appends;
        });
    }

    /// <summary>Runs a script under the present epoch.</summary>
    async Task<(string Root, RedisResult[] Said)> Run(string name, Func<string, (string[] Keys, object[] Args)> ask)
    {
        try
        {
            if (epoch is null) await Join();
            for (var attempt = 0; attempt < 3; attempt++)
            {
                var root = epoch!;
                var (keys, args) = ask(root);
                var said = await Evaluate(name, keys, [root, run, $":{Counted()}", .. args]);
                if (Text(said[0]) != "stale") return (root, said);
                // Nothing was done: another epoch holds, or Redis was restarted.
                await Join();
            }
        }
        catch (RedisConnectionException error) when (error.CommandStatus is CommandStatus.WaitingToBeSent or CommandStatus.WaitingInBacklog || error.FailureType == ConnectionFailureType.UnableToConnect) { throw new LogAway("Redis cannot be reached: nothing was done.", error); }
        catch (RedisServerException error) when (NothingDone.Any(code => error.Message.Contains(code))) { throw new LogAway($"Redis refused it: {error.Message}", error); }
        throw new LogAway("Another Redis became the master, again and again: nothing was done.");
    }

    /// <summary>
    /// Errors that Redis answers before it runs anything. If the first write of one of our scripts succeeds, the others do as well.
    /// </summary>
    static readonly string[] NothingDone = ["OOM ", "LOADING ", "READONLY ", "MASTERDOWN ", "BUSY ", "MISCONF ", "NOREPLICAS ", "NOAUTH ", "NOPERM ", "NOSCRIPT "];

    async Task<RedisResult[]> Evaluate(string name, string[] keys, object[] args)
    {
        var redis = (await connecting).GetDatabase();
        var (names, values) = (Array.ConvertAll(keys, key => (RedisKey)key), Array.ConvertAll(args, Value));
        try { return (RedisResult[])(await redis.ScriptEvaluateAsync(hashes[name], names, values))!; }
        catch (RedisServerException unknown) when (unknown.Message.Contains("NOSCRIPT"))
        {
            foreach (var lua in scripts.Scripts.Values) await redis.ExecuteAsync("SCRIPT", "LOAD", lua);
            return (RedisResult[])(await redis.ScriptEvaluateAsync(hashes[name], names, values))!;
        }
    }

    /// <summary>The term of this Redis as the master, named by the random id that Redis gives it.</summary>
    async Task<string> Term()
    {
        var info = Text(await (await connecting).GetDatabase().ExecuteAsync("INFO", "replication"));
        string? Field(string name) => info.Split('\n').Select(line => line.Trim()).FirstOrDefault(line => line.StartsWith($"{name}:", StringComparison.Ordinal))?[(name.Length + 1)..];
        return Field("role") == "master" ? Field("master_replid") ?? "" : throw new InvalidOperationException("this Redis is a replica: give the address of the master");
    }

    public async ValueTask DisposeAsync()
    {
        await closed.CancelAsync();
        (string, long)[] left;
        lock (held) left = [.. held.SelectMany(one => one.Value.Legs.Select(leg => (one.Key, leg)))];
        try
        {
            foreach (var (session, leg) in left) await ReleaseNow(session, leg, false);
            await rollCall.Leave();
        }
        // The lease expires anyway.
        catch (Exception) { }
        await Task.WhenAll(reading, tending);
        await (await connecting).CloseAsync();
    }

    string Key(string name) => tag + name;
    string[] SessionKeys(string session) => [Key("root"), Key($"session:{Name(session)}"), Key("nodes"), Key($"legs:{node}"), Key("idle")];
    /// <summary>The same encoding as in the Node server, which also has one for names that are not well-formed; those are never sent here.</summary>
    static string Name(string name) => $"={name}";
    static string? Plain(string name) => name.StartsWith('=') ? name[1..] : null;
    static string Text(RedisResult said) => (string?)said ?? "";
    static string[] Texts(RedisResult[] said) => Array.ConvertAll(said, Text);
    static long Number(RedisResult said) => long.Parse(Text(said), CultureInfo.InvariantCulture);
    static RedisValue Value(object value) => value switch { byte[] bytes => bytes, string text => text, _ => Convert.ToString(value, CultureInfo.InvariantCulture) };

    /// <summary>The time of the scripts' clock, and when it was heard.</summary>
    volatile Tuple<double, double>? time;

    void Heard(RedisResult now) => Heard(Number(now));
    void Heard(long now) => time = new(now, Clock.Now);

    /// <summary>
    /// For a repeat its age; how long this copy may have been on its way; its number; and when this is written, in Redis's time, which
    /// shows how long it waited for Redis. Clocks are slewed by less than a thousandth.
    /// </summary>
    string Place(Origin? origin, double? age)
    {
        static string Ms(double time) => Math.Max(0, Math.Ceiling(time)).ToString("F0", CultureInfo.InvariantCulture);
        return $"{(age is { } known ? Ms(known) : "")}:{Ms(origin is null ? 0 : Clock.Now - origin.SentAfter)}:{origin?.N}:{Counted()}";
    }

    /// <summary>The least that the scripts' clock can say; empty before it was heard.</summary>
    string Counted() => time is var (said, at) ? Math.Floor(said + (Clock.Now - at) * 0.999).ToString("F0", CultureInfo.InvariantCulture) : "";

    /// <summary>See RECORD in the scripts.</summary>
    static Answer AnswerOf(byte[] said)
    {
        var text = Encoding.UTF8.GetString(said);
        if (text == "u") return Answer.OutcomeUnknown;
        if (text == "o") return Answer.OutOfOrder;
        if (text[0] == 'n') return Frames.Read<Answer>(said.AsSpan(1));
        var parts = text[1..].Split(':', 2);
        return new Answer(long.Parse(parts[0], CultureInfo.InvariantCulture), parts.Length < 2 ? null : new RawJson(Encoding.UTF8.GetBytes(parts[1])));
    }
}
