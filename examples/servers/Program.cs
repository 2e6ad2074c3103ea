// A chat on ASP.NET Core's own WebSockets. The lines that LiveSocket needs are marked (new).
using System.Net.WebSockets;
using System.Text.Json;

var builder = WebApplication.CreateBuilder(args);
builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(40)); // (new) longer than the drain
var app = builder.Build();
app.UseWebSockets();
var turn = new SemaphoreSlim(1); // guards the variables below and every send, so that the frames of a socket keep their order
var sockets = new HashSet<WebSocket>();
var (epoch, offset, draining) = (Guid.NewGuid().ToString(), 0L, false); // (new) numbers from one source for all processes: here this one, in yours the database or Redis INCR

async Task Send(WebSocket socket, object frame)
{
    using var patience = new CancellationTokenSource(1_000); // a client that does not read delays the others no longer than this
    try { await socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(frame), WebSocketMessageType.Text, true, patience.Token); }
    catch { socket.Abort(); }
}

async Task Tell(object frame) { foreach (var socket in sockets) await Send(socket, frame); }

async Task Hear(WebSocket socket, JsonElement frame)
{
    var type = frame.TryGetProperty("type", out var said) ? said.GetString() : null;
    if (type == "ping") await Send(socket, new { type = "pong" }); // (new) in order with the messages, so it marks the end of an overlap
    else if (type == "hello") sockets.Add(socket);
    else await Tell(new { topic = "chat", data = frame.GetProperty("data"), epoch, offset = ++offset }); // (new) epoch and offset
}

app.Map("/live", async (HttpContext context) =>
{
    if (draining || !context.WebSockets.IsWebSocketRequest) { context.Response.StatusCode = 503; return; } // (new) draining
    using var socket = await context.WebSockets.AcceptWebSocketAsync();
    var buffer = new byte[65_536];
    try
    {
        for (var length = 0; length < buffer.Length;)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(length), default);
            if (received.MessageType == WebSocketMessageType.Close) break;
            length += received.Count;
            if (!received.EndOfMessage) continue;
            await turn.WaitAsync();
            try { await Hear(socket, JsonSerializer.Deserialize<JsonElement>(buffer.AsSpan(0, length))); }
            finally { length = 0; turn.Release(); }
        }
        await socket.CloseOutputAsync(socket.CloseStatus ?? WebSocketCloseStatus.MessageTooBig, null, default);
    }
    catch (Exception gone) when (gone is WebSocketException or OperationCanceledException) { }
    finally { await turn.WaitAsync(); sockets.Remove(socket); turn.Release(); }
});

app.Lifetime.ApplicationStopping.Register(() => // (new) asks the present clients to hand over within ten seconds, and goes on serving them until all have
{
    draining = true;
    turn.Wait();
    try { Tell(new { type = "handover", id = "deploy", reason = "deploy", spread = 10_000, deadline = 20_000 }).Wait(); } finally { turn.Release(); }
    for (var waited = 0; waited < 25_000 && sockets.Count > 0; waited += 100) Thread.Sleep(100);
});
app.Run();
