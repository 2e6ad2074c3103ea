namespace LiveSocket;

/// <summary>Who somebody is. <c>Subject</c> is the owner of a session, <c>TokenTtl</c> the rest of the credential's life.</summary>
public sealed record Identity(string? Subject, TimeSpan? TokenTtl = null, object? User = null);
/// <summary>The question whether somebody may read a topic, or publish that data into it: JSON in UTF-8.</summary>
public sealed record Asked(bool Publishing, string Topic, Identity Who, byte[]? Data);
/// <summary>Thrown if it cannot be decided at present who somebody is.</summary>
public sealed class Unidentified(Exception cause) : Exception("The server cannot check at present who this is.", cause);

public sealed class LiveOptions
{
    /// <summary>Null: the token is not valid. An exception: it cannot be decided at present, and the client comes back.</summary>
    public required Func<string?, HttpContext, Task<Identity?>> Authenticate { get; init; }
    /// <summary>Default: everybody may read, and nobody may publish.</summary>
    public Func<Asked, Task<bool>> Authorize { get; init; } = asked => Task.FromResult(!asked.Publishing);
    /// <summary>Whether a client may see a message; the same on all of a session's legs. Default: it may see all.</summary>
    public Func<string, Entry, Identity, bool>? Filter { get; init; }
    /// <summary>Default: in the memory of this process, which no other process shares.</summary>
    public ITopicLog Log { get; init; } = new MemoryLog();
    public string Id { get; init; } = Guid.NewGuid().ToString("N");
    /// <summary>
    /// The release that runs here, which tells a slot from the one that replaced it: see <see cref="LiveServer.DrainWhenReplaced"/>.
    /// </summary>
    public string? Release { get; init; }
    /// <summary>Milliseconds: the longest silence of either side.</summary>
    public int Heartbeat { get; init; } = 10_000;
    public int HelloTimeout { get; init; } = 10_000;
    public int TokenGrace { get; init; } = 60_000;
    /// <summary>Milliseconds over which clients spread their return if this server vanishes. Null: 30,000.</summary>
    public int? ReconnectSpread { get; init; }
    public int MaxFrame { get; init; } = 262_144;
    public int MaxTopics { get; init; } = 100;
    public int MaxConnections { get; init; } = 20_000;
    public int MaxAuthenticating { get; init; } = 100;
    /// <summary>Default: a line on the error stream, at most one a second for each kind.</summary>
    public Action<Exception, string>? OnError { get; init; }
}

/// <summary>A livesocket.v1 server: see docs/protocol.md.</summary>
public sealed class LiveServer : IAsyncDisposable
{
    readonly SemaphoreSlim authenticating;
    readonly HashSet<Leg> connections = [], legs = [];
    readonly Dictionary<string, double> reported = [];
    readonly Timer sweep;
    double sweptAt = Clock.Now, sparedUntil;

    public LiveServer(LiveOptions options)
    {
        Options = options;
        authenticating = new SemaphoreSlim(options.MaxAuthenticating);
        Feeds = new TopicFeeds(Log, Report);
        Drain = new Drain(this);
        Log.Lost += Renumbered;
        var every = Math.Max(20, options.Heartbeat / 20);
        sweep = new Timer(_ => Sweep(), null, every, every);
    }

    public LiveOptions Options { get; }
    public ITopicLog Log => Options.Log;
    public Drain Drain { get; }
    internal TopicFeeds Feeds { get; }
    internal int Generation { get; private set; }
    /// <summary>The number of welcomed legs.</summary>
    public int Legs { get { lock (legs) return legs.Count; } }

    internal Leg[] All(bool live) { lock (legs) return [.. (live ? legs : connections.Except(legs))]; }

    /// <summary>After its log started over this counts as another server, so that clients accept landing on it for a handover.</summary>
    internal string Name(int generation) => generation == 0 ? Options.Id : $"{Options.Id}.{generation}";

    /// <summary>Serves one connection, which must be a WebSocket request, to its end.</summary>
    public async Task Handle(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest) { context.Response.StatusCode = 426; return; }
        if (!context.WebSockets.WebSocketRequestedProtocols.Contains(Frames.Subprotocol)) { context.Response.StatusCode = 400; return; }
        // The heartbeat is the protocol's own.
        using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext { SubProtocol = Frames.Subprotocol, KeepAliveInterval = TimeSpan.Zero });
        var leg = new Leg(this, socket, context);
        bool full;
        lock (legs)
        {
            full = connections.Count >= Options.MaxConnections;
            connections.Add(leg);
        }
        if (Drain.Refusing) leg.Fail("draining", "This server is going away.");
        else if (full) leg.Fail("busy", "This server has no room.", retryAfter: 5_000);
        try { await leg.Run(); }
        catch (Exception error) { Report(error, "serving a leg"); }
        lock (legs)
        {
            connections.Remove(leg);
            legs.Remove(leg);
        }
    }

    /// <summary>False: nobody else is accepted.</summary>
    internal bool Enter(Leg leg)
    {
        lock (legs) return !Drain.Refusing && legs.Add(leg);
    }

    /// <summary>Publishes JSON in UTF-8 as the server itself. Returns the offset.</summary>
    public async Task<long> Publish(string topic, byte[] data) => (await Log.Append(topic, data, null)).Offset!.Value;

    /// <summary>
    /// Ends the sessions that match, for example because their users have signed out elsewhere. This includes connections whose owner is
    /// being asked for, because that answer may predate the sign-out. Returns the number of legs here whose owner was known.
    /// </summary>
    public int End(Func<Identity, bool> match, string reason = "This session was ended.")
    {
        lock (legs)
        {
            var matching = connections.Where(leg => leg.Who is { } who && match(who)).ToArray();
            foreach (var leg in connections) if (leg.Who is null) leg.WhenKnown.Add(who => { if (match(who)) leg.Fail("session-ended", reason); });
            foreach (var leg in matching) leg.Fail("session-ended", reason);
            return matching.Length;
        }
    }

    internal void Learn(Leg leg, Identity who)
    {
        lock (legs)
        {
            leg.Who = who;
            foreach (var told in leg.WhenKnown)
                try { told(who); }
                catch (Exception error) { Report(error, "matching a session"); }
            leg.WhenKnown.Clear();
        }
    }

    /// <summary>For a balancer's readiness check. The answer names the release, for <see cref="DrainWhenReplaced"/>.</summary>
    public async Task Health(HttpContext context)
    {
        var trouble = Log.Trouble is { } told && told.Away > TimeSpan.FromSeconds(10) ? $"log away: {told.Reason}" : null;
        var readiness = Drain.Refusing ? "draining" : trouble ?? "ready";
        context.Response.StatusCode = readiness == "ready" ? 200 : 503;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.ContentType = "text/plain";
        if (Options.Release is { } release) context.Response.Headers[ReplacedWatch.Header] = release;
        await context.Response.WriteAsync(readiness);
    }

    /// <summary>
    /// Lets a slot find out that it was swapped: it asks its public address which release answers. Once that has been another release, and
    /// never this one, twenty times in a row, it drains. If the address is its own again, as after a swap back, the drain is cancelled.
    /// </summary>
    /// <param name="url">The URL of <see cref="Health"/> at the public address.</param>
    /// <param name="every">The time between two questions; a quarter of it while another release answers.</param>
    public Task DrainWhenReplaced(Uri url, TimeSpan every, DrainOptions options, CancellationToken stop)
    {
        var release = Options.Release ?? throw new InvalidOperationException("Give LiveOptions.Release: by it a slot is told from the one that replaced it");
        return new ReplacedWatch(Drain, url, release, options).Run(every, stop);
    }

    internal async Task<Identity?> Identify(string? token, HttpContext context, CancellationToken gone)
    {
        // More at once would only delay each other. Nothing is begun for a client that has left meanwhile.
        await authenticating.WaitAsync(gone);
        try { return await Options.Authenticate(token, context).WaitAsync(TimeSpan.FromMilliseconds(Options.HelloTimeout)); }
        catch (Exception cause) { throw new Unidentified(cause); }
        finally { authenticating.Release(); }
    }

    /// <summary>Null: it cannot be decided at present.</summary>
    internal async Task<bool?> Allows(Asked asked, CancellationToken gone)
    {
        // A leg is greeted within twice that time, and one topic's answer may not take all of it.
        try { return await Options.Authorize(asked).WaitAsync(TimeSpan.FromMilliseconds(Options.HelloTimeout / 2), gone); }
        catch (Exception error) when (!gone.IsCancellationRequested)
        {
            Report(error, "authorizing");
            return null;
        }
    }

    internal bool Shows(string topic, Entry entry, Identity who)
    {
        if (Options.Filter is null) return true;
        try { return Options.Filter(topic, entry, who); }
        catch (Exception error)
        {
            Report(error, "filtering");
            return false;
        }
    }

    internal void Report(Exception error, string doing)
    {
        if (Options.OnError is { } told)
            try { told(error, doing); return; }
            // It must not end what goes on here; its error is printed together with the one that it was called with.
            catch (Exception failed) { error = new AggregateException(error, failed); }
        lock (reported)
        {
            if (Clock.Now - reported.GetValueOrDefault(doing, double.MinValue) < 1_000) return;
            reported[doing] = Clock.Now;
        }
        Console.Error.WriteLine($"{doing}: {error.GetType().Name}: {error.Message}");
    }

    /// <summary>
    /// The log can never vouch for what a leg from before the loss brings, because nobody knows when it was sent. So the leg hands over, to
    /// this very server: frames on its new leg were sent after the loss.
    /// </summary>
    void Renumbered()
    {
        Generation++;
        _ = Drain.HandOver([.. All(live: true).Where(leg => leg.Generation < Generation)], new DrainOptions { Reason = "the log began anew" }, default, $"anew-{Generation}");
    }

    void Sweep()
    {
        var now = Clock.Now;
        // A process that stood still has unread frames: for a while no leg counts as dead.
        if (now - sweptAt > 0.6 * Options.Heartbeat) sparedUntil = now + 0.2 * Options.Heartbeat;
        sweptAt = now;
        foreach (var leg in All(live: true)) leg.Tend(now, now < sparedUntil);
    }

    public async ValueTask DisposeAsync()
    {
        await sweep.DisposeAsync();
        Drain.Force();
        Leg[] left;
        lock (legs) left = [.. connections];
        foreach (var leg in left) leg.Fail("draining", "This server is going away.");
        await Task.WhenAny(Task.WhenAll(left.Select(leg => leg.Gone)), Task.Delay(10_000));
        await Log.DisposeAsync();
    }
}
