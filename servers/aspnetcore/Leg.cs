using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections.Features;

namespace LiveSocket;

/// <summary>One connection, from its opening on. One frame is written at a time, and each topic is read at the pace of the socket.</summary>
public sealed class Leg(LiveServer server, WebSocket socket, HttpContext context)
{
    /// <summary>The most publishes that wait for their answers; beyond it nothing more is read.</summary>
    const int MaxPublishes = 128;
    static readonly TimeSpan Stalled = TimeSpan.FromSeconds(20), ForAnswers = TimeSpan.FromSeconds(5), ForClose = TimeSpan.FromSeconds(2);

    /// <summary>A topic that this leg follows, and how far it was sent.</summary>
    sealed class Reading(TopicFeed feed, string epoch, long at)
    {
        public readonly TopicFeed Feed = feed;
        public string Epoch = epoch;
        public long At = at;
        /// <summary>The offset that the client has seen last; below <c>At</c> if something was hidden since.</summary>
        public long Told = at;
    }

    /// <summary>The holder may write, and change what is followed.</summary>
    readonly SemaphoreSlim turn = new(1), room = new(MaxPublishes);
    readonly Channel<bool> news = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    readonly ConcurrentDictionary<string, Reading> readings = [];
    /// <summary>The newest publish of each topic: the next one waits for it.</summary>
    readonly ConcurrentDictionary<string, Task> lanes = [];
    /// <summary>Changes of what is followed, one after the other; and for each topic the newest change, which a publish waits for.</summary>
    readonly Dictionary<string, Task> changing = [];
    Task changes = Task.CompletedTask;
    /// <summary>The newest token that has come and was not checked yet.</summary>
    readonly Channel<string> tokens = Channel.CreateBounded<string>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
    Task? renewing;
    /// <summary>The connection over HTTP/2 that carries this leg, and may carry others. It is looked up at once: a request that has ended no longer tells.</summary>
    readonly IConnectionLifetimeNotificationFeature? shared = HttpProtocol.IsHttp2(context.Request.Protocol) ? context.Features.Get<IConnectionLifetimeNotificationFeature>() : null;
    readonly CancellationTokenSource over = new();
    readonly TaskCompletionSource gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    Task closing = Task.CompletedTask, greeting = Task.CompletedTask;
    int ending;
    volatile bool live, serving, blind, admitted, untold;
    Hello? hello;
    double welcomedAt, heardAt = Clock.Now, sentAt = Clock.Now, tokenEndsAt = double.MaxValue;

    /// <summary>Null until it is known.</summary>
    public Identity? Who { get; internal set; }
    /// <summary>Called as soon as the owner is known.</summary>
    internal List<Action<Identity>> WhenKnown { get; } = [];
    public bool IsLive => live && ending == 0;
    public Task Gone => gone.Task;
    /// <summary>The generation of the log under which the leg was welcomed.</summary>
    public int Generation { get; private set; }

    public void Wake() => news.Writer.TryWrite(true);

    public Task Send(object frame) => InTurn(() => Write(frame));

    /// <summary>
    /// A page puts its next WebSocket into the HTTP/2 connection that it has, which leads here wherever a balancer sends new connections. GOAWAY makes the
    /// page open another one, and lets live what is in this one. A leg over HTTP/1.1 is a connection of its own.
    /// </summary>
    public Task AskToHandOver(object frame)
    {
        shared?.RequestClose();
        return Send(frame);
    }

    async Task InTurn(Func<Task> act)
    {
        await turn.WaitAsync(over.Token);
        try { await act(); }
        finally { turn.Release(); }
    }

    async Task Write(object frame)
    {
        try
        {
            var writing = socket.SendAsync((frame as byte[] ?? Frames.Encode(frame)).AsMemory(), WebSocketMessageType.Text, true, over.Token);
            if (!writing.IsCompletedSuccessfully) await writing.AsTask().WaitAsync(Stalled);
            sentAt = Clock.Now;
        }
        catch (Exception) { socket.Abort(); throw; }
    }

    /// <summary>Errors of a connection that is gone, or of a client that does not read.</summary>
    static bool IsGone(Exception error) => error is WebSocketException or OperationCanceledException or ObjectDisposedException or IOException or TimeoutException;

    /// <summary>Serves the connection to its end.</summary>
    public async Task Run()
    {
        var telling = TellAll();
        _ = HelloInTime();
        try { await ReceiveAll(); }
        catch (Exception error)
        {
            if (!IsGone(error)) server.Report(error, "serving a leg");
            socket.Abort();
        }
        if (Interlocked.Exchange(ref ending, 1) == 0) closing = Close(null, 1000, "");
        await Task.WhenAny(closing, Task.Delay(ForClose));
        over.Cancel();
        await Task.WhenAll(telling, greeting, renewing ?? Task.CompletedTask);
        await changes;
        foreach (var topic in readings.Keys) LeaveTopic(topic);
        // Before the log is closed, if this was the last leg of a server that stops.
        if (admitted) await server.Log.Release(hello!.Session, hello.Leg);
        gone.SetResult();
    }

    async Task HelloInTime()
    {
        var due = Clock.Now + server.Options.HelloTimeout;
        await Task.Delay(server.Options.HelloTimeout);
        // A process that stood still has not read what has arrived.
        if (Clock.Now - due > 1_000) await Task.Delay(1_000);
        if (hello is null) Fail("timeout", "The hello took too long.");
        else if (!live) Fail("busy", "The server cannot reach its log.", retryAfter: 1_000);
    }

    async Task ReceiveAll()
    {
        var most = Math.Max(server.Options.MaxFrame, Frames.Hello) + Frames.MaxToken;
        var buffer = new byte[4_096];
        for (var length = 0; ;)
        {
            if (length == buffer.Length) Array.Resize(ref buffer, Math.Min(most + 1, 2 * buffer.Length));
            var received = await socket.ReceiveAsync(buffer.AsMemory(length), over.Token);
            heardAt = Clock.Now;
            if (received.MessageType == WebSocketMessageType.Close) return;
            length += received.Count;
            if (length > most) Fail("too-large", $"Frames must have at most {server.Options.MaxFrame} bytes.");
            else if (!received.EndOfMessage) continue;
            else if (received.MessageType == WebSocketMessageType.Binary) Fail("protocol", "Frames must be text.");
            // After an error nothing counts but the close.
            else if (ending == 0)
            {
                serving = true;
                await Hear(buffer.AsMemory(0, length));
                (serving, heardAt) = (false, Clock.Now);
            }
            length = 0;
        }
    }

    async Task Hear(ReadOnlyMemory<byte> text)
    {
        ClientFrame? frame;
        try { frame = Frames.Decode(text.Span); }
        catch (InvalidFrame invalid) { Fail("protocol", invalid.Message); return; }
        // A hello or auth is as large as its token and topics make it.
        if (frame is not (Hello or Auth) && text.Length > server.Options.MaxFrame) Fail("too-large", $"Frames must have at most {server.Options.MaxFrame} bytes.", (frame as Publish)?.Id ?? (frame as Request)?.Id);
        // Not awaited, so that a client that leaves meanwhile is noticed.
        else if (frame is Hello said && hello is null) greeting = Greet(said);
        else if (frame is Hello || frame is not null && !live) Fail("protocol", hello is null ? "The first frame must be a hello." : "A leg says hello once, and waits for the welcome.");
        else await Serve(frame);
    }

    Task Serve(ClientFrame? frame) => frame switch
    {
        Ping => Send(Pong()),
        Request request => Send(new { type = "nack", id = request.Id, code = "unknown-method", message = "This server has no methods." }),
        Publish publish => Take(publish),
        Subscribe subscribe => Change(subscribe.Topics.Keys, () => Follow(subscribe)),
        Unsubscribe unsubscribe => Change(unsubscribe.Topics, () => InTurn(async () => { foreach (var topic in unsubscribe.Topics) LeaveTopic(topic); })),
        Auth auth => Refresh(auth.Token),
        _ => Task.CompletedTask,
    };

    /// <summary>Runs it after earlier changes, without delaying what is read next: the application's answers may take time.</summary>
    async Task Change(IEnumerable<string> topics, Func<Task> act)
    {
        await room.WaitAsync(over.Token);
        lock (changing)
        {
            foreach (var (topic, change) in changing.ToArray()) if (change.IsCompleted) changing.Remove(topic);
            changes = Do(changes);
            foreach (var topic in topics) changing[topic] = changes;
        }
        async Task Do(Task before)
        {
            await Task.Yield();
            await before;
            try { if (ending == 0) await act(); }
            catch (Exception error) { if (!IsGone(error)) server.Report(error, "serving a leg"); }
            finally { room.Release(); }
        }
    }

    async Task Greet(Hello said)
    {
        hello = said;
        _ = SayThatItWaits(said.Timeout);
        try
        {
            if (await server.Identify(said.Token, context, over.Token) is not { } known) { Fail("unauthorized", "The token is not valid."); return; }
            server.Learn(this, known);
            switch (await server.Log.Admit(said.Session, said.Leg, known.Subject))
            {
                case Admission.Superseded: Fail("superseded", $"This session has a leg {said.Leg} or a newer one already."); return;
                case Admission.Forbidden: Fail("forbidden", "This session belongs to somebody else."); return;
            }
            admitted = true;
            await Join(said.Topics, null, Welcome);
        }
        catch (Exception) when (over.IsCancellationRequested) { }
        catch (Exception error)
        {
            server.Report(error, "greeting a leg");
            Fail("busy", error is Unidentified ? "The server cannot check at present who this is." : "The server cannot reach its log.", retryAfter: 1_000);
        }
    }

    /// <summary>Well before the client would give up.</summary>
    async Task SayThatItWaits(long? timeout)
    {
        if (timeout is not { } patience) return;
        for (; ; )
        {
            await Task.Delay((int)Math.Clamp(patience / 3, 100, 5_000), over.Token);
            if (live || ending != 0) return;
            await Send(Pong());
        }
    }

    object? Welcome(Dictionary<string, object> topics)
    {
        welcomedAt = Clock.Now;
        if (!server.Enter(this)) { Fail("draining", "This server is going away."); return null; }
        // Set only now: an earlier loss has another generation, and a later one finds this leg among those that it hands over.
        Generation = server.Generation;
        live = true;
        return new { type = "welcome", server = server.Name(Generation), topics, heartbeat = server.Options.Heartbeat, tokenTtl = TokenLife(Who!), maxFrame = server.Options.MaxFrame, reconnectSpread = server.Options.ReconnectSpread };
    }

    async Task Follow(Subscribe asked)
    {
        try { await Join(asked.Topics, asked.Id, topics => new { type = "subscribed", id = asked.Id, topics }); }
        catch (Exception error) when (!over.IsCancellationRequested)
        {
            // The leg, and its other topics, are not affected.
            server.Report(error, "subscribing");
            foreach (var topic in asked.Topics.Keys) await Send(new { type = "error", code = "busy", message = "The server cannot reach its log.", topic, id = asked.Id, retryAfter = 1_000 });
        }
    }

    /// <summary>Subscribes. The frame that names the topics leaves in the same turn, so that no message of them precedes it.</summary>
    async Task Join(IReadOnlyDictionary<string, From> topics, string? id, Func<Dictionary<string, object>, object?> named)
    {
        var held = new List<(TopicFeed Feed, From From)>();
        var refused = new List<object>();
        try
        {
            var others = readings.Keys.Count(one => !topics.ContainsKey(one));
            // All at once: one that is not answered does not delay the others.
            var asked = topics.Select((one, at) => (one.Key, one.Value, May: at + others < server.Options.MaxTopics ? server.Allows(new Asked(false, one.Key, Who!, null), over.Token) : null)).ToArray();
            foreach (var (topic, from, may) in asked)
            {
                if (may is null) refused.Add(new { type = "error", code = "limit", message = $"A leg has at most {server.Options.MaxTopics} topics.", topic, id });
                else if (await may is not { } allowed) refused.Add(new { type = "error", code = "busy", message = "The server cannot check at present whether this is allowed.", topic, id, retryAfter = 1_000 });
                else if (!allowed) refused.Add(new { type = "error", code = "forbidden", message = "This topic is not yours to read.", topic, id });
                else held.Add((await server.Feeds.Hold(topic, from), from));
            }
            await InTurn(async () =>
            {
                var answers = new Dictionary<string, object>();
                foreach (var topic in topics.Keys) LeaveTopic(topic);
                foreach (var (feed, from) in held)
                {
                    feed.Join(this);
                    var (epoch, offset, oldest) = feed.Head;
                    // The start is never before what is kept, nor after the head.
                    var after = Math.Max(from.Epoch is null ? offset - (from.Last ?? 0) : from.Epoch == epoch ? Math.Min(from.Offset!.Value, offset) : 0, oldest - 1);
                    readings[feed.Topic] = new Reading(feed, epoch, after);
                    answers[feed.Topic] = new { epoch, offset, after };
                }
                // LeaveTopic releases them from here on.
                held.Clear();
                foreach (var frame in refused) await Write(frame);
                if (named(answers) is { } answer) await Write(answer);
            });
            Wake();
        }
        finally { foreach (var (feed, _) in held) server.Feeds.Release(feed); }
    }

    void LeaveTopic(string topic)
    {
        if (!readings.TryRemove(topic, out var reading)) return;
        reading.Feed.Leave(this);
        server.Feeds.Release(reading.Feed);
    }

    async Task Take(Publish frame)
    {
        await room.WaitAsync(over.Token);
        if (lanes.Count > MaxPublishes) foreach (var (topic, lane) in lanes) if (lane.IsCompleted) lanes.TryRemove(topic, out _);
        // So that the client sees what it publishes after it has subscribed.
        Task? change;
        lock (changing) change = changing.GetValueOrDefault(frame.Topic);
        lanes[frame.Topic] = Apply(lanes.GetValueOrDefault(frame.Topic, Task.CompletedTask), change, frame);
    }

    async Task Apply(Task before, Task? change, Publish frame)
    {
        await before;
        if (change is not null) await change;
        // A leg that may not be here any more begins nothing new.
        if (blind) { room.Release(); return; }
        // Every frame of a live leg was sent after its welcome. An age is in whole milliseconds, and may have been rounded down.
        var origin = new Origin(hello!.Session, frame.Id, frame.Topic, frame.N, frame.Age + 1, welcomedAt);
        var answer = Answer.OutcomeUnknown;
        try
        {
            answer = await server.Allows(new Asked(true, frame.Topic, Who!, frame.Data.Utf8), default) switch
            {
                true => await server.Log.Append(frame.Topic, frame.Data.Utf8, origin),
                false => await server.Log.Refuse(origin, Answer.Forbidden),
                // For a repeat it is unknown what became of its first copy.
                null => frame.Age is null ? Answer.Untold : Answer.OutcomeUnknown,
            };
        }
        catch (Exception error)
        {
            server.Report(error, "applying a publish");
            // If the log did nothing, the publish can be sent again; but for a repeat it is unknown what became of its first copy.
            if (error is LogAway && frame.Age is null) answer = Answer.Busy;
        }
        try { await Send(new { type = answer.Code is null ? "ack" : "nack", id = frame.Id, offset = answer.Offset, data = answer.Data, code = answer.Code, message = answer.Message, retryAfter = answer.RetryAfter }); }
        catch (Exception gone) when (IsGone(gone)) { }
        finally { room.Release(); }
    }

    Task Refresh(string token)
    {
        tokens.Writer.TryWrite(token);
        renewing ??= RenewAll();
        return Task.CompletedTask;
    }

    /// <summary>Checks fresh tokens. The leg stays on with its old token for as long as the new one cannot be checked.</summary>
    async Task RenewAll()
    {
        try
        {
            await foreach (var token in tokens.Reader.ReadAllAsync(over.Token))
            {
                untold = true;
                for (var again = 1_000; !tokens.Reader.TryPeek(out _); again = Math.Min(30_000, 2 * again))
                    try
                    {
                        var known = await server.Identify(token, context, over.Token);
                        if (!tokens.Reader.TryPeek(out _)) await Renewed(known);
                        break;
                    }
                    catch (Unidentified error)
                    {
                        server.Report(error, "checking a token");
                        await Task.Delay(again, over.Token);
                    }
                untold = false;
            }
        }
        catch (Exception error) { if (!IsGone(error)) server.Report(error, "checking a token"); }
    }

    async Task Renewed(Identity? known)
    {
        if (known is null) Fail("unauthorized", "The token is not valid.");
        else if (known.Subject != Who!.Subject) Fail("session-ended", "The fresh token belongs to another user.");
        else
        {
            Who = known;
            await Send(new { type = "authed", tokenTtl = TokenLife(known) });
            // The fresh token may grant different rights. Only a clear refusal ends a subscription.
            await Change([], async () =>
            {
                foreach (var topic in readings.Keys)
                    if (await server.Allows(new Asked(false, topic, known, null), over.Token) == false)
                        await InTurn(() => { LeaveTopic(topic); return Write(new { type = "error", code = "forbidden", message = "This topic is not yours to read any more.", topic }); });
            });
        }
    }

    long? TokenLife(Identity known)
    {
        tokenEndsAt = known.TokenTtl is { } ttl ? Clock.Now + ttl.TotalMilliseconds + server.Options.TokenGrace : double.MaxValue;
        return known.TokenTtl is { } left ? Math.Max(0, (long)left.TotalMilliseconds) : null;
    }

    object Pong() => new { type = "pong", reconnectSpread = server.Options.ReconnectSpread };

    /// <summary>Sends something if the leg was silent for long; ends a leg that is dead, or whose token has ended.</summary>
    public void Tend(double now, bool spared)
    {
        if (!IsLive) return;
        // A leg that sent a fresh token in time is not to blame if the token could not be checked.
        if (now >= tokenEndsAt && untold) Fail("busy", "The server cannot check at present who this is.", retryAfter: 1_000);
        else if (now >= tokenEndsAt) Fail("unauthorized", "The token has expired.");
        else if (!spared && !serving && now - heardAt >= server.Options.Heartbeat + 10_000) socket.Abort();
        else if (turn.CurrentCount > 0 && now - sentAt >= 0.9 * server.Options.Heartbeat) _ = Send(Pong());
    }

    /// <summary>Sends an error and closes, after the answers to what was published.</summary>
    public void Fail(string code, string message, string? id = null, int? retryAfter = null)
    {
        if (Interlocked.Exchange(ref ending, 1) != 0) return;
        // A leg that may not be here any more gets no further messages.
        blind = code is "unauthorized" or "forbidden" or "session-ended";
        closing = Close(new { type = "error", code, message, id, retryAfter }, Codes[code], code);
        _ = Task.WhenAll(closing, Task.Delay(ForClose)).ContinueWith(_ => over.Cancel());
    }

    static readonly Dictionary<string, int> Codes = new()
    {
        ["unauthorized"] = 3000, ["session-ended"] = 3000, ["forbidden"] = 3003, ["timeout"] = 3008, ["draining"] = 1012,
        ["busy"] = 1013, ["superseded"] = 4001, ["too-large"] = 1009, ["protocol"] = 1002,
    };

    /// <summary>Closes while it holds the turn, so that nothing is written after the close.</summary>
    async Task Close(object? error, int code, string reason)
    {
        await Task.WhenAny(Task.WhenAll(lanes.Values), Task.Delay(ForAnswers));
        try
        {
            await turn.WaitAsync(over.Token);
            if (error is not null) await Write(error);
            await socket.CloseOutputAsync((WebSocketCloseStatus)code, reason, over.Token);
        }
        catch (Exception gone) when (IsGone(gone)) { }
    }

    /// <summary>Sends what its topics have, one message in each turn: answers can leave in between.</summary>
    async Task TellAll()
    {
        try
        {
            await foreach (var _ in news.Reader.ReadAllAsync(over.Token))
                for (var more = true; more;)
                {
                    more = false;
                    foreach (var reading in readings.Values) more |= await Tell(reading);
                }
        }
        catch (Exception error)
        {
            if (!IsGone(error)) server.Report(error, "sending to a leg");
            socket.Abort();
        }
    }

    /// <summary>The leg continues after that offset, and is told so.</summary>
    static object Named(Reading reading, Head head, long after)
    {
        (reading.Epoch, reading.At, reading.Told) = (head.Epoch, after, after);
        return new { type = "subscribed", topics = new Dictionary<string, object> { [reading.Feed.Topic] = new { epoch = head.Epoch, offset = head.Offset, after } } };
    }

    /// <summary>Sends a page of what the leg lacks. True: there may be more.</summary>
    async Task<bool> Tell(Reading reading)
    {
        if (blind) return false;
        Task Say(Func<object?> frame) => InTurn(() => !blind && readings.GetValueOrDefault(reading.Feed.Topic) == reading && frame() is { } said ? Write(said) : Task.CompletedTask);
        var head = reading.Feed.Head;
        if (reading.Epoch != head.Epoch)
        {
            await Say(() => Named(reading, head, head.Oldest - 1));
            if (readings.GetValueOrDefault(reading.Feed.Topic) != reading) return false;
        }
        if (reading.At >= head.Offset) return false;
        IReadOnlyList<Entry> page;
        try { page = await reading.Feed.After(reading.Epoch, reading.At); }
        catch (Exception error)
        {
            server.Report(error, "reading a topic");
            _ = Task.Delay(500).ContinueWith(_ => Wake());
            return false;
        }
        if (page.Count == 0)
        {
            // Nothing of it is kept, and perhaps no further message comes whose previous offset would show that.
            if (reading.Feed.Head.Epoch == reading.Epoch) await Say(() => Named(reading, head, head.Offset));
            return true;
        }
        foreach (var entry in page) await Say(() =>
        {
            // Trimmed before it could be sent: the previous offset shows the client that something is missing.
            if (entry.Offset > reading.At + 1) reading.Told = entry.Offset - 1;
            reading.At = entry.Offset;
            if (!server.Shows(reading.Feed.Topic, entry, Who!)) return null;
            var before = reading.Told;
            reading.Told = entry.Offset;
            return entry.Frame(before, hello!.Session);
        });
        // Hidden messages at the end are passed by a message without data.
        if (reading.Told < reading.At && reading.At >= reading.Feed.Head.Offset) await Say(() =>
        {
            var before = reading.Told;
            reading.Told = reading.At;
            return new { type = "message", topic = reading.Feed.Topic, offset = reading.At, prev = before };
        });
        return true;
    }
}
