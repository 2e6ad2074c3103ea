using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Threading.Channels;

namespace LiveSocket;

/// <summary>One connection, from its opening on. Whatever is sent leaves by one task, which reads each topic at the pace of its socket.</summary>
public sealed class Leg(LiveServer server, WebSocket socket, HttpContext context)
{
    /// <summary>Frames that wait for their answer; beyond, nothing more is read.</summary>
    const int MaxQueued = 128;
    static readonly TimeSpan Stalled = TimeSpan.FromSeconds(20), ForAnswers = TimeSpan.FromSeconds(5), ForClose = TimeSpan.FromSeconds(2);

    sealed record Outgoing(byte[] Frame, Action? Sent = null, int Close = 0, string Reason = "");

    /// <summary>A topic that this leg follows, and how far it was told.</summary>
    sealed class Reading(TopicFeed feed, string epoch, long at)
    {
        public readonly TopicFeed Feed = feed;
        public string Epoch = epoch;
        public long At = at;
        /// <summary>What the client takes for the one before; below <c>At</c> where something was hidden since.</summary>
        public long Told = at;
    }

    readonly ConcurrentQueue<Outgoing> outgoing = new();
    readonly Channel<bool> wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    readonly SemaphoreSlim room = new(MaxQueued);
    /// <summary>The newest publish of each topic: the next one waits for it. And so do changes of what is followed.</summary>
    readonly Dictionary<string, Task> lanes = [];
    readonly Dictionary<string, Reading> readings = [];
    readonly CancellationTokenSource over = new();
    /// <summary>The task that sends has ended.</summary>
    readonly CancellationTokenSource silent = new();
    Task changes = Task.CompletedTask, greeting = Task.CompletedTask;
    int state = Opened, ending;
    const int Opened = 0, Greeting = 1, Live = 2;
    volatile bool blind;
    Hello? hello;
    Identity? who;
    double welcomedAt, heardAt = Clock.Now, sentAt = Clock.Now, tokenEndsAt = double.MaxValue;

    public string? Session => hello?.Session;
    public Identity? Who => who;
    public bool IsLive => state == Live && ending == 0;
    /// <summary>The number of the log's life under which it was welcomed.</summary>
    public int Generation { get; private set; }

    public void Wake() => wake.Writer.TryWrite(true);

    public void Send(object frame) => Enqueue(new Outgoing(Frames.Encode(frame)));

    /// <summary>Behind its welcome.</summary>
    public void Ask(object frame) => changes.ContinueWith(_ => Send(frame));

    void Enqueue(Outgoing frame)
    {
        outgoing.Enqueue(frame);
        Wake();
    }

    /// <summary>Serves it to its end.</summary>
    public async Task Run()
    {
        var sending = SendAll();
        _ = HelloInTime();
        try { await ReceiveAll(); }
        catch (Exception gone) when (gone is WebSocketException or OperationCanceledException or ObjectDisposedException or IOException) { socket.Abort(); }
        Interlocked.Exchange(ref ending, 1);
        Enqueue(new Outgoing([], null, 1000));
        if (await Task.WhenAny(sending, Task.Delay(ForClose)) != sending) socket.Abort();
        over.Cancel();
        await sending;
        // What was to be changed in its turn is not any more.
        silent.Cancel();
        await greeting;
        await changes;
        foreach (var topic in readings.Keys.ToArray()) LeaveTopic(topic);
        if (state == Live) await server.Log.Release(hello!.Session, hello.Leg);
    }

    async Task HelloInTime()
    {
        await Task.Delay(server.Options.HelloTimeout);
        if (state == Opened) Fail("timeout", "The hello took too long.");
        else if (state == Greeting) Fail("busy", "The server cannot reach its log.", retryAfter: 1_000);
    }

    async Task ReceiveAll()
    {
        var most = server.Options.MaxFrame + Frames.MaxToken;
        var buffer = new byte[4_096];
        for (var length = 0; ;)
        {
            if (length == buffer.Length) Array.Resize(ref buffer, Math.Min(most + 1, 2 * buffer.Length));
            var received = await socket.ReceiveAsync(buffer.AsMemory(length), over.Token);
            heardAt = Clock.Now;
            if (received.MessageType == WebSocketMessageType.Close) return;
            length += received.Count;
            if (length > most) { Fail("too-large", $"Frames must have at most {server.Options.MaxFrame} bytes."); length = 0; continue; }
            if (!received.EndOfMessage) continue;
            // After an error nothing counts but the close.
            if (ending == 0)
            {
                await room.WaitAsync(over.Token);
                if (received.MessageType == WebSocketMessageType.Binary) Fail("protocol", "Frames must be text.");
                else Hear(buffer.AsMemory(0, length));
            }
            length = 0;
        }
    }

    void Hear(ReadOnlyMemory<byte> text)
    {
        ClientFrame? frame;
        try { frame = Frames.Decode(text); }
        catch (InvalidFrame invalid) { Fail("protocol", invalid.Message); return; }
        if (text.Length > server.Options.MaxFrame) Fail("too-large", $"Frames must have at most {server.Options.MaxFrame} bytes.", (frame as Publish)?.Id);
        else if (frame is null) room.Release();
        else if (frame is Hello said && state == Opened) greeting = Greet(said);
        else if (state != Live || frame is Hello) Fail("protocol", state == Opened ? "The first frame must be a hello." : "A leg says hello once, and waits for the welcome.");
        else Serve(frame);
    }

    void Serve(ClientFrame frame)
    {
        switch (frame)
        {
            case Ping:
                Enqueue(new Outgoing(Frames.Encode(Pong()), () => room.Release()));
                break;
            case Request request:
                Enqueue(new Outgoing(Frames.Encode(new { type = "nack", id = request.Id, code = "unknown-method", message = "This server has no methods." }), () => room.Release()));
                break;
            case Publish publish:
                lock (lanes)
                {
                    if (lanes.Count > MaxQueued) foreach (var (topic, _) in lanes.Where(lane => lane.Value.IsCompleted).ToArray()) lanes.Remove(topic);
                    lanes[publish.Topic] = Apply(lanes.GetValueOrDefault(publish.Topic, Task.CompletedTask), publish);
                }
                break;
            case Subscribe subscribe:
                Change(async () =>
                {
                    try { await Join(subscribe.Topics, subscribe.Id, topics => new { type = "subscribed", id = subscribe.Id, topics }); }
                    catch (Exception error) when (error is not OperationCanceledException)
                    {
                        // The leg, and what it has, is none the worse for it.
                        server.Report(error, "subscribing");
                        foreach (var topic in subscribe.Topics.Keys) Send(new { type = "error", code = "busy", message = "The server cannot reach its log.", topic, id = subscribe.Id, retryAfter = 1_000 });
                    }
                });
                break;
            case Unsubscribe unsubscribe:
                Change(() => InTurn(() => { foreach (var topic in unsubscribe.Topics) LeaveTopic(topic); }));
                break;
            case Auth auth:
                Change(() => Renew(auth.Token));
                break;
        }
    }

    /// <summary>Changes of what is followed, and of the rights to it, come one after the other.</summary>
    void Change(Func<Task> change)
    {
        changes = After(changes);
        async Task After(Task before)
        {
            await before;
            try { if (ending == 0) await change(); }
            catch (OperationCanceledException) { }
            catch (Exception error) { server.Report(error, "serving a leg"); }
            finally { room.Release(); }
        }
    }

    async Task Greet(Hello said)
    {
        state = Greeting;
        hello = said;
        try
        {
            if (await server.Identify(said.Token, context) is not { } known) { Fail("unauthorized", "The token is not valid."); return; }
            who = known;
            Generation = server.Generation;
            switch (await server.Log.Admit(said.Session, said.Leg, known.Subject))
            {
                case Admission.Superseded: Fail("superseded", $"This session has a leg {said.Leg} or a newer one already."); return;
                case Admission.Forbidden: Fail("forbidden", "This session belongs to somebody else."); return;
            }
            welcomedAt = Clock.Now;
            // From here on Run releases it.
            state = Live;
            if (!server.Enter(this)) { Fail("draining", "This server is going away."); return; }
            var life = TokenLife(known);
            changes = Join(said.Topics, null, topics => new { type = "welcome", server = server.Name(Generation), topics, heartbeat = server.Options.Heartbeat, tokenTtl = life, maxFrame = server.Options.MaxFrame, reconnectSpread = server.Options.ReconnectSpread });
            await changes;
        }
        catch (OperationCanceledException) { changes = Task.CompletedTask; }
        catch (Exception error)
        {
            server.Report(error, "greeting a leg");
            changes = Task.CompletedTask;
            Fail("busy", error is Unidentified ? "Who this is cannot be told now." : "The server cannot reach its log.", retryAfter: 1_000);
        }
        finally { room.Release(); }
    }

    /// <summary>Subscribes; what is named and what is told then are one step of the task that sends.</summary>
    async Task Join(IReadOnlyDictionary<string, Position?> topics, string? id, Func<Dictionary<string, object>, object> named)
    {
        var held = new List<(TopicFeed Feed, Position? From)>();
        var refused = new List<object>();
        var joined = false;
        try
        {
            foreach (var (topic, from) in topics)
            {
                if (held.Count + readings.Keys.Count(one => !topics.ContainsKey(one)) >= server.Options.MaxTopics)
                    refused.Add(new { type = "error", code = "forbidden", message = $"A leg has at most {server.Options.MaxTopics} topics.", topic, id });
                else if (!await server.Allows(new Asked(false, topic, who!, null)))
                    refused.Add(new { type = "error", code = "forbidden", message = "This topic is not yours to read.", topic, id });
                else held.Add((await server.Feeds.Hold(topic, from), from));
            }
            await InTurn(() =>
            {
                joined = true;
                foreach (var frame in refused) Send(frame);
                var answers = new Dictionary<string, object>();
                foreach (var topic in topics.Keys) LeaveTopic(topic);
                foreach (var (feed, from) in held)
                {
                    feed.Join(this);
                    var (epoch, offset, oldest) = feed.Head;
                    // Where it begins is never before what is kept, nor after the head.
                    var after = from is null ? offset : Math.Max(from.Epoch == epoch ? Math.Min(from.Offset, offset) : 0, oldest - 1);
                    readings[feed.Topic] = new Reading(feed, epoch, after);
                    answers[feed.Topic] = new { epoch, offset, after };
                }
                // What is queued leaves before any message does.
                Send(named(answers));
            });
        }
        finally
        {
            if (!joined) foreach (var (feed, _) in held) server.Feeds.Release(feed);
        }
    }

    /// <summary>On the task that sends, between two frames; not at all where that has ended.</summary>
    async Task InTurn(Action change)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var never = silent.Token.Register(() => done.TrySetCanceled());
        Enqueue(new Outgoing([], () => { change(); done.TrySetResult(); }));
        await done.Task;
    }

    void LeaveTopic(string topic)
    {
        if (!readings.Remove(topic, out var reading)) return;
        reading.Feed.Leave(this);
        server.Feeds.Release(reading.Feed);
    }

    async Task Apply(Task before, Publish frame)
    {
        await before;
        // What comes on a leg at all was sent after its welcome. An age is whole milliseconds, which may have been rounded down.
        var origin = new Origin(hello!.Session, frame.Id, frame.Topic, frame.N, frame.Age + 1, welcomedAt);
        object? refused = null;
        var answer = Answer.OutcomeUnknown;
        try
        {
            answer = await server.Allows(new Asked(true, frame.Topic, who!, frame.Data))
                ? await server.Log.Append(frame.Topic, frame.Data, origin)
                : await server.Log.Refuse(origin, new Answer(null, null, "forbidden", "This topic is not yours to write."));
        }
        catch (Exception error)
        {
            server.Report(error, "applying a publish");
            // A log that did nothing can be asked again; but of a repeat nobody knows what became of it when it was sent first.
            if (error is LogAway && frame.Age is null) refused = new { type = "nack", id = frame.Id, code = "busy", message = "The server cannot reach its log.", retryAfter = 1_000 };
        }
        var ack = answer.Code is null ? Frames.Encode(new { type = "ack", id = frame.Id, offset = answer.Offset }) : Frames.Encode(new { type = "nack", id = frame.Id, code = answer.Code, message = answer.Message });
        if (answer.Data is { } data) ack = [.. ack.AsSpan(0, ack.Length - 1), .. ",\"data\":"u8, .. data, (byte)'}'];
        Enqueue(new Outgoing(refused is null ? ack : Frames.Encode(refused), () => room.Release()));
    }

    async Task Renew(string token)
    {
        Identity? known;
        try { known = await server.Identify(token, context); }
        catch (Exception error)
        {
            server.Report(error, "checking a token");
            return;
        }
        if (known is null) Fail("unauthorized", "The token is not valid.");
        else if (known.Subject != who!.Subject) Fail("session-ended", "The fresh token is of another user.");
        else
        {
            who = known;
            Send(new { type = "authed", tokenTtl = TokenLife(known) });
            // A token may bear other rights than the one before.
            string[] topics = [];
            await InTurn(() => topics = [.. readings.Keys]);
            foreach (var topic in topics)
                if (!await server.Allows(new Asked(false, topic, known, null)))
                    await InTurn(() => { LeaveTopic(topic); Send(new { type = "error", code = "forbidden", message = "This topic is not yours to read any more.", topic }); });
        }
    }

    long? TokenLife(Identity known)
    {
        tokenEndsAt = known.TokenTtl is { } ttl ? Clock.Now + ttl.TotalMilliseconds + server.Options.TokenGrace : double.MaxValue;
        return (long?)known.TokenTtl?.TotalMilliseconds;
    }

    object Pong() => new { type = "pong", reconnectSpread = server.Options.ReconnectSpread };

    /// <summary>Says something where it was silent for long; ends what is dead, or past its token.</summary>
    public void Tend(double now, bool spared)
    {
        if (!IsLive) return;
        if (now >= tokenEndsAt) Fail("unauthorized", "The token has run out.");
        else if (!spared && room.CurrentCount > 0 && now - heardAt >= server.Options.Heartbeat + 10_000) socket.Abort();
        else if (now - sentAt >= 0.9 * server.Options.Heartbeat) Send(Pong());
    }

    /// <summary>An error and then the close, behind the answers to what was published.</summary>
    public void Fail(string code, string message, string? id = null, int? retryAfter = null)
    {
        if (Interlocked.Exchange(ref ending, 1) != 0) return;
        // Whoever may not be here any more sees nothing more.
        blind = code is "unauthorized" or "forbidden" or "session-ended";
        _ = End();
        async Task End()
        {
            Task[] under;
            lock (lanes) under = [.. lanes.Values];
            await Task.WhenAny(Task.WhenAll(under), Task.Delay(ForAnswers));
            Enqueue(new Outgoing(Frames.Encode(new { type = "error", code, message, id, retryAfter }), null, Codes[code], code));
            await Task.Delay(ForClose, over.Token).ContinueWith(_ => { });
            over.Cancel();
        }
    }

    static readonly Dictionary<string, int> Codes = new()
    {
        ["unauthorized"] = 3000, ["session-ended"] = 3000, ["forbidden"] = 3003, ["timeout"] = 3008, ["draining"] = 1012,
        ["busy"] = 1013, ["superseded"] = 4001, ["too-large"] = 1009, ["protocol"] = 1002,
    };

    async Task SendAll()
    {
        try
        {
            while (await wake.Reader.WaitToReadAsync(over.Token))
            {
                wake.Reader.TryRead(out _);
                for (var more = true; more || !outgoing.IsEmpty;)
                {
                    while (outgoing.TryDequeue(out var next))
                    {
                        if (next.Frame.Length > 0) await Write(next.Frame);
                        next.Sent?.Invoke();
                        if (next.Close == 0) continue;
                        await socket.CloseOutputAsync((WebSocketCloseStatus)next.Close, next.Reason, over.Token);
                        return;
                    }
                    more = false;
                    foreach (var reading in readings.Values) more |= !blind && await Pump(reading);
                }
            }
        }
        catch (Exception error)
        {
            if (error is not (WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)) server.Report(error, "sending to a leg");
            socket.Abort();
        }
    }

    /// <summary>Sends a page of what it lacks. True: there may be more.</summary>
    async Task<bool> Pump(Reading reading)
    {
        var head = reading.Feed.Head;
        if (reading.Epoch != head.Epoch)
        {
            (reading.Epoch, reading.At, reading.Told) = (head.Epoch, head.Oldest - 1, head.Oldest - 1);
            await Write(Frames.Encode(new { type = "subscribed", topics = new Dictionary<string, object> { [reading.Feed.Topic] = new { epoch = head.Epoch, offset = head.Offset, after = reading.At } } }));
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
            // Nothing of it is kept. What comes next says so by the offset before it.
            if (reading.Feed.Head.Epoch == reading.Epoch) reading.At = reading.Told = head.Offset;
            return true;
        }
        foreach (var entry in page)
        {
            // Trimmed before it could be sent: the client sees from the offset before it that something is missing.
            if (entry.Offset > reading.At + 1) reading.Told = entry.Offset - 1;
            reading.At = entry.Offset;
            if (!server.Shows(reading.Feed.Topic, entry, who!)) continue;
            await Write(entry.Frame(reading.Told, hello!.Session));
            reading.Told = entry.Offset;
            if (!outgoing.IsEmpty) return true;
        }
        if (reading.Told == reading.At || reading.At < reading.Feed.Head.Offset) return true;
        await Write(Frames.Message(reading.Feed.Topic, reading.At, reading.Told, null));
        reading.Told = reading.At;
        return true;
    }

    async ValueTask Write(byte[] frame)
    {
        var writing = socket.SendAsync(frame.AsMemory(), WebSocketMessageType.Text, true, over.Token);
        if (!writing.IsCompletedSuccessfully) await writing.AsTask().WaitAsync(Stalled);
        sentAt = Clock.Now;
    }
}
