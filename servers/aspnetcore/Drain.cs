using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LiveSocket;

/// <summary>Milliseconds, and legs a second. <c>Url</c> is where to hand over to, <c>Spread</c> what each client puts its own handover off by at most.</summary>
public record DrainOptions
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
    readonly CancellationTokenSource hurry = new();
    readonly List<Func<DrainOptions, CancellationToken, Task>> others = [];
    CancellationTokenSource cancelled = new();
    Task<DrainResult>? run;
    /// <summary>Whom the drain has asked, and under which id.</summary>
    Leg[] asked = [];
    string id = "";

    /// <summary>What else hands over in a drain, such as a hub beside this server; the drain ends when that has as well.</summary>
    public void Also(Func<DrainOptions, CancellationToken, Task> other) => others.Add(other);

    /// <summary>From the start of a drain on, and after it, until it is cancelled.</summary>
    public bool Refusing => run is not null;

    /// <summary>While one is going on, or is done, the same task.</summary>
    public Task<DrainResult> Start(DrainOptions options)
    {
        lock (turn) return run ??= Go(options, (cancelled = new CancellationTokenSource()).Token);
    }

    async Task<DrainResult> Go(DrainOptions options, CancellationToken cancelled)
    {
        // Nobody enters any more once Start has returned.
        await Task.Yield();
        if (cancelled.IsCancellationRequested) return new DrainResult(0, 0);
        foreach (var leg in server.All(live: false)) leg.Fail("draining", Leaving);
        var legs = server.All(live: true);
        var name = Guid.NewGuid().ToString("N");
        // Who takes it back from here on tells them so.
        lock (turn) if (!cancelled.IsCancellationRequested) (asked, id) = (legs, name);
        var handingOver = HandOver(legs, options, cancelled, name);
        await Task.WhenAll([handingOver, .. others.Select(other => other(options, cancelled))]);
        await Task.WhenAny(Task.WhenAll(legs.Select(leg => leg.Gone)), Task.Delay(Timeout.Infinite, cancelled));
        return new DrainResult(legs.Count(leg => leg.Gone.IsCompleted) - await handingOver, await handingOver);
    }

    /// <summary>Asks them at a pace, and closes who is still here at the deadline. How many those were.</summary>
    public async Task<int> HandOver(Leg[] legs, DrainOptions options, CancellationToken cancelled, string name)
    {
        var begun = Clock.Now;
        double Left() => hurry.IsCancellationRequested ? 0 : begun + options.Deadline - Clock.Now;
        var rate = options.Rate is { } most ? most * Even : Math.Max(200 * Even, legs.Length / Math.Max(1, options.Deadline / 2_000.0));
        var onTheirWay = new List<Leg>();
        bool IsFull(int at)
        {
            if (onTheirWay.Count < Window * rate) return false;
            onTheirWay.RemoveAll(leg => !leg.IsLive);
            // Those who take them are at their limit, and the rest can still be asked in time.
            return onTheirWay.Count >= Window * rate && (legs.Length - at) / rate * 1_000 < Left() - 5_000;
        }
        try
        {
            for (var at = 0; at < legs.Length && Left() > 0; at++)
            {
                for (double due; Left() > 0 && ((due = begun + at / rate * 1_000 - Clock.Now) > 1 || IsFull(at));) await Task.Delay(due > 1 ? (int)Math.Min(due, 50) : 50, cancelled);
                if (!legs[at].IsLive) continue;
                onTheirWay.Add(legs[at]);
                // Nobody is asked behind being told to stay.
                lock (turn) if (!cancelled.IsCancellationRequested) _ = legs[at].Send(new { type = "handover", id = name, reason = options.Reason, url = options.Url, spread = options.Spread, deadline = (int)Math.Max(0, Left()) });
            }
            while (legs.Any(leg => leg.IsLive) && Left() > 0) await Task.Delay((int)Math.Clamp(Left(), 1, 50), cancelled);
        }
        catch (OperationCanceledException) { return 0; }
        var forced = legs.Where(leg => leg.IsLive).ToArray();
        foreach (var leg in forced) leg.Fail("draining", Leaving);
        return forced.Length;
    }

    const string Leaving = "This server is going away.";

    /// <summary>The deadline is now.</summary>
    public void Force() => hurry.Cancel();

    /// <summary>Those asked are told to stay, and others are taken again. False: there was nothing to cancel, or another one than that.</summary>
    public bool Cancel(Task<DrainResult>? only = null)
    {
        lock (turn)
        {
            if (run is null || only is not null && run != only) return false;
            run = null;
            cancelled.Cancel();
            foreach (var leg in asked) _ = leg.Send(new { type = "handover-cancelled", id });
            asked = [];
        }
        return true;
    }

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    sealed record Order : DrainOptions { public bool Wait { get; init; } public bool Cancel { get; init; } /* Of Node alone. */ public bool EndWhenAlone { get; init; } }

    /// <summary>What a deploy tool calls on the old slot, as of the Node server: POST with a bearer token, and if wanted a JSON body.</summary>
    public RequestDelegate Endpoint(string secret)
    {
        if (secret.Length < 16) throw new ArgumentException("The secret of a drain endpoint must have at least 16 characters");
        static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
        return async context =>
        {
            var given = context.Request.Headers.Authorization.ToString();
            if (context.Request.Method != "POST") { context.Response.StatusCode = 405; return; }
            if (!given.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) || !CryptographicOperations.FixedTimeEquals(Hash(given[7..]), Hash(secret))) { context.Response.StatusCode = 401; return; }
            Order? order;
            try { order = context.Request.ContentLength is null or 0 ? new Order() : await JsonSerializer.DeserializeAsync<Order>(context.Request.Body, JsonSerializerOptions.Web); }
            catch (JsonException) { order = null; }
            if (order is null or { Rate: <= 0 } or { Deadline: < 0 } or { Spread: < 0 } or { Reason: null })
            {
                context.Response.StatusCode = 400;
                await context.Response.WriteAsJsonAsync(new { error = "The body must be a JSON object with none but rate, deadline, url, reason, spread, wait, cancel" });
            }
            else if (order.Cancel) await context.Response.WriteAsJsonAsync(new { cancelled = Cancel() });
            else if (Start(order) is var draining && order.Wait) await context.Response.WriteAsJsonAsync(await draining);
            else
            {
                context.Response.StatusCode = 202;
                await context.Response.WriteAsJsonAsync(new { legs = server.Legs });
            }
        };
    }
}

/// <summary>SIGTERM, or whatever else stops the host: the legs hand over first, and then it stops. Give the host a longer <c>ShutdownTimeout</c>.</summary>
public sealed class DrainOnStop(LiveServer server, DrainOptions options) : IHostedLifecycleService
{
    public async Task StoppingAsync(CancellationToken hurry)
    {
        using var force = hurry.Register(server.Drain.Force);
        await server.Drain.Start(options);
        await server.DisposeAsync();
    }
    public Task StartingAsync(CancellationToken _) => Task.CompletedTask;
    public Task StartAsync(CancellationToken _) => Task.CompletedTask;
    public Task StartedAsync(CancellationToken _) => Task.CompletedTask;
    public Task StopAsync(CancellationToken _) => Task.CompletedTask;
    public Task StoppedAsync(CancellationToken _) => Task.CompletedTask;
}
