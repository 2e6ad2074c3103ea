using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace LiveSocket;

/// <summary>Milliseconds, and legs a second. <c>Url</c> is where to move, <c>Spread</c> what each client puts its own move off by at most.</summary>
public sealed record DrainOptions
{
    public double? Rate { get; init; }
    public int Deadline { get; init; } = 30_000;
    public string? Url { get; init; }
    public string Reason { get; init; } = "deploy";
    public int Spread { get; init; }
}

public sealed record DrainResult(int Moved, int Forced);

/// <summary>Empties a server of its legs.</summary>
public sealed class Drain(LiveServer server)
{
    /// <summary>Seconds' worth of legs that may be on their way; and what is asked at an even pace arrives in bunches.</summary>
    const double Window = 3, Even = 0.96;
    readonly Lock turn = new();
    readonly HashSet<Leg> remaining = [], forced = [];
    CancellationTokenSource? running;
    Task<DrainResult>? run;
    string id = "";
    int moved;
    readonly List<Func<DrainOptions, CancellationToken, Task>> others = [];

    /// <summary>What else moves in a drain, such as a hub beside this server; the drain ends when that has as well.</summary>
    public void Also(Func<DrainOptions, CancellationToken, Task> other) => others.Add(other);

    /// <summary>From the start of a drain on, and after it, until it is cancelled.</summary>
    public bool Refusing => run is not null;
    public int Left { get { lock (turn) return remaining.Count; } }

    /// <summary>While one is going on, or is done, the same task.</summary>
    public Task<DrainResult> Start(DrainOptions options)
    {
        lock (turn)
        {
            if (run is not null) return run;
            running = new CancellationTokenSource();
            moved = 0;
            forced.Clear();
            return run = Go(options, running.Token);
        }
    }

    async Task<DrainResult> Go(DrainOptions options, CancellationToken cancelled)
    {
        await Task.Yield();
        // Nobody enters any more.
        foreach (var leg in server.All(live: false)) leg.Fail("draining", "This server is going away.");
        var legs = server.All(live: true);
        lock (turn) remaining.UnionWith(legs);
        // One that was gone before it was counted.
        var here = server.All(live: true).ToHashSet();
        lock (turn) remaining.IntersectWith(here);
        await Task.WhenAll([Move(legs, options, id = Guid.NewGuid().ToString("N"), cancelled), .. others.Select(other => other(options, cancelled))]);
        while (Left > 0 && !cancelled.IsCancellationRequested) await Task.Delay(20, CancellationToken.None);
        return new DrainResult(moved, forced.Count);
    }

    /// <summary>Asks them at a pace, and closes who is still here at the deadline.</summary>
    public async Task Move(Leg[] legs, DrainOptions options, string name, CancellationToken cancelled)
    {
        var begun = Clock.Now;
        double Left() => begun + options.Deadline - Clock.Now;
        var rate = options.Rate is { } most ? most * Even : Math.Max(200 * Even, legs.Length / Math.Max(1, options.Deadline / 2_000.0));
        var onTheirWay = new List<Leg>();
        try
        {
            for (var at = 0; at < legs.Length && Left() > 0; at++)
            {
                var due = begun + at / rate * 1_000 - Clock.Now;
                if (due > 1) await Task.Delay((int)due, cancelled);
                // Those who take them are at their limit, and the rest can still be asked in time.
                for (; onTheirWay.Count >= Window * rate && (legs.Length - at) / rate * 1_000 < Left() - 5_000; await Task.Delay(50, cancelled)) onTheirWay.RemoveAll(leg => !leg.IsLive);
                if (!legs[at].IsLive) continue;
                onTheirWay.Add(legs[at]);
                legs[at].Ask(new { type = "handover", id = name, reason = options.Reason, url = options.Url, spread = options.Spread, deadline = (int)Math.Max(0, Left()) });
            }
            while (legs.Any(leg => leg.IsLive) && Left() > 0) await Task.Delay((int)Math.Clamp(Left(), 1, 50), cancelled);
        }
        catch (OperationCanceledException) { return; }
        foreach (var leg in legs) if (leg.IsLive) Close(leg);
    }

    void Close(Leg leg)
    {
        lock (turn) if (remaining.Contains(leg)) forced.Add(leg);
        leg.Fail("draining", "This server is going away.");
    }

    /// <summary>The deadline is now.</summary>
    public void Force()
    {
        Leg[] all;
        lock (turn) all = [.. remaining];
        foreach (var leg in all) Close(leg);
    }

    /// <summary>Those asked are told to stay, and others are taken again. False: there was nothing to cancel.</summary>
    public bool Cancel()
    {
        Leg[] all;
        lock (turn)
        {
            if (run is null) return false;
            run = null;
            running!.Cancel();
            all = [.. remaining];
            remaining.Clear();
        }
        foreach (var leg in all) leg.Ask(new { type = "handover-cancelled", id });
        return true;
    }

    internal void Gone(Leg leg)
    {
        lock (turn) if (remaining.Remove(leg) && !forced.Contains(leg)) moved++;
    }

    static readonly JsonSerializerOptions Body = new(JsonSerializerDefaults.Web) { UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow };

    sealed record Asked : Options { public bool Wait { get; init; } /* Of Node alone. */ public bool EndWhenAlone { get; init; } public bool Cancel { get; init; } }
    record Options { public double? Rate { get; init; } public int? Deadline { get; init; } public string? Url { get; init; } public string? Reason { get; init; } public int? Spread { get; init; } }

    /// <summary>What a deploy tool calls on the old slot, as of the Node server: POST with a bearer token, and if wanted a JSON body.</summary>
    public RequestDelegate Endpoint(string secret) => async context =>
    {
        if (secret.Length < 16) throw new ArgumentException("The secret of a drain endpoint must have at least 16 characters");
        var given = context.Request.Headers.Authorization.ToString();
        var bears = given.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(given[7..])), SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
        if (context.Request.Method != "POST") { context.Response.StatusCode = 405; return; }
        if (!bears) { context.Response.StatusCode = 401; return; }
        Asked? asked;
        try { asked = context.Request.ContentLength is null or 0 ? new Asked() : await JsonSerializer.DeserializeAsync<Asked>(context.Request.Body, Body); }
        catch (JsonException) { asked = null; }
        if (asked is null || asked.Rate <= 0 || asked.Deadline < 0 || asked.Spread < 0)
        {
            context.Response.StatusCode = 400;
            await context.Response.WriteAsJsonAsync(new { error = "The body must be a JSON object with none but rate, deadline, url, reason, spread, wait, cancel" });
            return;
        }
        if (asked.Cancel) { await context.Response.WriteAsJsonAsync(new { cancelled = Cancel() }); return; }
        var options = new DrainOptions { Rate = asked.Rate, Deadline = asked.Deadline ?? 30_000, Url = asked.Url, Reason = asked.Reason ?? "deploy", Spread = asked.Spread ?? 0 };
        var draining = Start(options);
        if (asked.Wait) { await context.Response.WriteAsJsonAsync(await draining); return; }
        context.Response.StatusCode = 202;
        await context.Response.WriteAsJsonAsync(new { legs = server.Legs });
    };
}
