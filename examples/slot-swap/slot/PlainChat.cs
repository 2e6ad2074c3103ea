using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using LiveSocket;
using StackExchange.Redis;

namespace SlotSwap;

/// <summary>The chat on ASP.NET's own WebSockets, for `reconnectNotice({ numbered: true })`: it takes numbers from Redis, and asks clients to hand over before it stops.</summary>
public sealed class PlainChat
{
    /// <summary>Takes the number and publishes the message in one step, so that every slot receives messages in the order of their numbers.</summary>
    const string Say = "local n = redis.call('INCR', KEYS[1]) redis.call('PUBLISH', KEYS[2], n .. ' ' .. ARGV[1]) return n";
    const string Channel = "slot-swap:plain";
    readonly IDatabase redis;
    readonly ConcurrentDictionary<Guid, Channel<string>> sockets = [];
    bool draining;

    public PlainChat(ConnectionMultiplexer connection)
    {
        redis = connection.GetDatabase();
        connection.GetSubscriber().Subscribe(RedisChannel.Literal(Channel)).OnMessage(message =>
        {
            var parts = ((string)message.Message!).Split(' ', 2);
            Tell($$"""{"topic":"chat","epoch":"redis","offset":{{parts[0]}},"data":{{parts[1]}}}""");
        });
    }

    public Task Publish(string json) => redis.ScriptEvaluateAsync(Say, ["slot-swap:plain:n", Channel], [json]);

    void Tell(string frame)
    {
        // A client that does not read must not delay others: at the bound it gets nothing more.
        foreach (var (id, socket) in sockets) if (!socket.Writer.TryWrite(frame)) sockets.TryRemove(id, out _);
    }

    public async Task Serve(HttpContext context)
    {
        if (draining || !context.WebSockets.IsWebSocketRequest) { context.Response.StatusCode = 503; return; }
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var (id, outgoing) = (Guid.NewGuid(), System.Threading.Channels.Channel.CreateBounded<string>(4_096));
        var sending = Task.Run(async () =>
        {
            await foreach (var frame in outgoing.Reader.ReadAllAsync()) await socket.SendAsync(Encoding.UTF8.GetBytes(frame), WebSocketMessageType.Text, true, default);
        });
        var buffer = new byte[65_536];
        try
        {
            for (var length = 0; length < buffer.Length;)
            {
                var received = await socket.ReceiveAsync(buffer.AsMemory(length), default);
                if (received.MessageType == WebSocketMessageType.Close) break;
                length += received.Count;
                if (!received.EndOfMessage) continue;
                var said = JsonSerializer.Deserialize<JsonElement>(buffer.AsSpan(0, length));
                length = 0;
                var type = said.TryGetProperty("type", out var given) ? given.GetString() : null;
                if (type == "hello") sockets[id] = outgoing;
                // The answer is in order with the messages, so it marks the end of an overlap.
                else if (type == "ping") outgoing.Writer.TryWrite("""{"type":"pong"}""");
                else if (said.TryGetProperty("data", out var data)) await Publish(data.GetRawText());
            }
            outgoing.Writer.TryComplete();
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, default);
        }
        catch (Exception gone) when (gone is WebSocketException or OperationCanceledException or JsonException) { }
        finally
        {
            sockets.TryRemove(id, out _);
            outgoing.Writer.TryComplete();
            await sending.ContinueWith(_ => { });
        }
    }

    /// <summary>Asks the clients of this process to hand over, and waits for them up to the deadline.</summary>
    public async Task Drain(DrainOptions options, CancellationToken cancelled)
    {
        draining = true;
        var until = Clock.Now + options.Deadline;
        foreach (var (_, socket) in sockets)
        {
            socket.Writer.TryWrite(JsonSerializer.Serialize(new { type = "handover", id = "swap", reason = options.Reason, deadline = options.Deadline }));
            await Task.Delay(5, CancellationToken.None);
        }
        while (!sockets.IsEmpty && Clock.Now < until && !cancelled.IsCancellationRequested) await Task.Delay(20, CancellationToken.None);
        if (cancelled.IsCancellationRequested) draining = false;
    }
}
