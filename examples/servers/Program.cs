// A chat on ASP.NET Core's own WebSockets, and what LiveSocket needs of it: lines marked (new).
using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Json;

var builder = WebApplication.CreateBuilder(args);
builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(40)); // (new) longer than the drain
var app = builder.Build();
app.UseWebSockets();

// (new) Numbers come from one place that all processes share: here this one, in yours a sequence of the database or Redis INCR.
var epoch = Guid.NewGuid().ToString();
var gate = new SemaphoreSlim(1); // guards the log, and every send: frames of one socket keep their order
var log = new List<(string Topic, long Offset, JsonElement Data)>();
var following = new ConcurrentDictionary<WebSocket, HashSet<string>>();
var draining = false;
const int Deadline = 20_000;

Task Send(WebSocket socket, object frame) => socket.State == WebSocketState.Open
    ? socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(frame), WebSocketMessageType.Text, true, default)
    : Task.CompletedTask;

async Task Publish(string topic, JsonElement data)
{
    var offset = log.LastOrDefault(one => one.Topic == topic).Offset + 1; // (new)
    log.Add((topic, offset, data));
    foreach (var (socket, topics) in following)
        if (topics.Contains(topic)) await Send(socket, new { topic, epoch, offset, data });
}

// (new) What a client missed goes out before it follows the topic, behind one gate: nothing falls between.
async Task Follow(WebSocket socket, JsonElement topics)
{
    foreach (var topic in topics.EnumerateObject())
    {
        if (topic.Value.TryGetProperty("epoch", out var known))
            foreach (var one in log.Where(one => one.Topic == topic.Name && (known.GetString() != epoch || one.Offset > topic.Value.GetProperty("offset").GetInt64())))
                await Send(socket, new { topic = one.Topic, epoch, offset = one.Offset, data = one.Data });
        following[socket].Add(topic.Name);
    }
}

app.Map("/live", async context =>
{
    if (draining || !context.WebSockets.IsWebSocketRequest) { context.Response.StatusCode = 503; return; }
    using var socket = await context.WebSockets.AcceptWebSocketAsync();
    following[socket] = [];
    var buffer = new byte[65_536];
    try
    {
        while (await socket.ReceiveAsync(buffer, default) is { MessageType: not WebSocketMessageType.Close } received)
        {
            using var parsed = JsonDocument.Parse(buffer.AsMemory(0, received.Count));
            var frame = parsed.RootElement.Clone();
            await gate.WaitAsync();
            try
            {
                var type = frame.TryGetProperty("type", out var said) ? said.GetString() : null;
                if (type == "ping") await Send(socket, new { type = "pong" }); // (new) in order with the messages: it marks the end of an overlap
                else if (type == "hello") await Follow(socket, frame.GetProperty("topics")); // (new)
                else await Publish(frame.GetProperty("topic").GetString()!, frame.GetProperty("data"));
            }
            finally { gate.Release(); }
        }
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, default);
    }
    catch (WebSocketException) { } // the client went without a word
    finally { following.TryRemove(socket, out _); }
});

// (new) Asks to move, paced so that the next server keeps up, serves on until they have gone, and closes who stayed.
app.Lifetime.ApplicationStopping.Register(() => Task.Run(async () =>
{
    draining = true;
    foreach (var socket in following.Keys)
    {
        await gate.WaitAsync();
        try { await Send(socket, new { type = "handover", id = Guid.NewGuid(), reason = "deploy", deadline = Deadline }); }
        finally { gate.Release(); }
        await Task.Delay(5);
    }
    for (var waited = 0; waited < Deadline + 5_000 && !following.IsEmpty; waited += 100) await Task.Delay(100);
    foreach (var socket in following.Keys) await socket.CloseOutputAsync((WebSocketCloseStatus)1012, "deploy", default);
}).Wait());

app.Run();
