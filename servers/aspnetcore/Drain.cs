using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LiveSocket;

/// <summary>
/// Durations in milliseconds, the rate in legs a second. <c>Url</c> is where to hand over to, <c>Spread</c> the most by which each client
/// delays its own handover.
/// </summary>
public record DrainOptions
{
    public double? Rate { get; init; }
    public int Deadline { get; init; } = 30_000;
    public string? Url { get; init; }
    public string Reason { get; init; } = "deploy";
    public int Spread { get; init; }
}

public sealed record DrainResult(int Moved, int Forced);

/// <summary>Drains a server of its legs.</summary>
public sealed class Drain(LiveServer server)
{
    /// <summary>
    /// Seconds' worth of legs that may be under way; and the share of the rate that is used, because requests sent evenly arrive in
    /// bunches.
    /// </summary>
    const double Window = 3, Even = 0.96;
    readonly Lock turn = new();
    readonly CancellationTokenSource hurry = new();
    readonly List<Func<DrainOptions, CancellationToken, Task>> others = [];
    CancellationTokenSource cancelled = new();
    Task<DrainResult>? run;
    /// <summary>The legs that the drain has asked, and under which id.</summary>
    Leg[] asked = [];
    string id = "";

    /// <summary>
    /// Adds something else that hands over in a drain, such as a hub beside this server; the drain ends when that has ended as well.
    /// </summary>
    public void Also(Func<DrainOptions, CancellationToken, Task> other) => others.Add(other);

    /// <summary>True from the start of a drain until it is cancelled, even after it has ended.</summary>
    public bool Refusing => run is not null;

    /// <summary>Starts a drain. While one is under way or done, it returns the same task.</summary>
    public Task<DrainResult> Start(DrainOptions options)
    {
        lock (turn) return run ??= Go(options, (cancelled = new CancellationTokenSource()).Token);
    }

    async Task<DrainResult> Go(DrainOptions options, CancellationToken cancelled)
    {
        // Nobody can enter any more once Start has returned.
        await Task.Yield();
        if (cancelled.IsCancellationRequested) return new DrainResult(0, 0);
        foreach (var leg in server.All(live: false)) leg.Fail("draining", Leaving);
        var legs = server.All(live: true);
        var name = Guid.NewGuid().ToString("N");
        // A cancellation from here on notifies these legs.
        lock (turn) if (!cancelled.IsCancellationRequested) (asked, id) = (legs, name);
        var handingOver = HandOver(legs, options, cancelled, name);
        await Task.WhenAll([handingOver, .. others.Select(other => other(options, cancelled))]);
        await Task.WhenAny(Task.WhenAll(legs.Select(leg => leg.Gone)), Task.Delay(Timeout.Infinite, cancelled));
        return new DrainResult(legs.Count(leg => leg.Gone.IsCompleted) - await handingOver, await handingOver);
    }

    /// <summary>Asks the legs to hand over at the rate, and closes those that are still here at the deadline. Returns the number of those.</summary>
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
            // The servers that take the legs are at their limit, and the rest can still be asked in time.
            return onTheirWay.Count >= Window * rate && (legs.Length - at) / rate * 1_000 < Left() - 5_000;
        }
        try
        {
            for (var at = 0; at < legs.Length && Left() > 0; at++)
            {
                for (double due; Left() > 0 && ((due = begun + at / rate * 1_000 - Clock.Now) > 1 || IsFull(at));) await Task.Delay(due > 1 ? (int)Math.Min(due, 50) : 50, cancelled);
                if (!legs[at].IsLive) continue;
                onTheirWay.Add(legs[at]);
                // A leg that was told to stay must not be asked afterwards.
                lock (turn) if (!cancelled.IsCancellationRequested) _ = legs[at].AskToHandOver(new { type = "handover", id = name, reason = options.Reason, url = options.Url, spread = options.Spread, deadline = (int)Math.Max(0, Left()) });
            }
            while (legs.Any(leg => leg.IsLive) && Left() > 0) await Task.Delay((int)Math.Clamp(Left(), 1, 50), cancelled);
        }
        catch (OperationCanceledException) { return 0; }
        var forced = legs.Where(leg => leg.IsLive).ToArray();
        foreach (var leg in forced) leg.Fail("draining", Leaving);
        return forced.Length;
    }

    const string Leaving = "This server is going away.";

    /// <summary>Makes the deadline now.</summary>
    public void Force() => hurry.Cancel();

    /// <summary>
    /// Tells the legs that were asked to stay, and accepts new ones again. False: there was nothing to cancel, or another drain than that.
    /// </summary>
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
    sealed record Order : DrainOptions { public bool Wait { get; init; } public bool Cancel { get; init; } /* Only the Node server uses it. */ public bool EndWhenAlone { get; init; } }

    /// <summary>
    /// What a deploy tool calls on the old slot: POST with a bearer token, and an optional JSON body with <see cref="DrainOptions"/>,
    /// <c>wait</c> and <c>cancel</c>. The Node server's <c>extendable</c> is refused, its <c>endWhenAlone</c> is ignored, and
    /// the answer 202 has <c>legs</c> but no <c>takes</c>.
    /// </summary>
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

/// <summary>
/// On SIGTERM, or anything else that stops the host, the legs hand over first, and then it stops. Give the host a longer
/// <c>ShutdownTimeout</c>.
/// </summary>
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
