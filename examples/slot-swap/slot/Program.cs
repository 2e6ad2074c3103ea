// One slot of a chat with three endpoints: /ws is a plain WebSocket, /hub a SignalR hub, /live speaks livesocket.v1.
using LiveSocket;
using Microsoft.AspNetCore.SignalR;
using SlotSwap;
using StackExchange.Redis;

var builder = WebApplication.CreateBuilder(args);
var settings = builder.Configuration;
var redis = settings["REDIS"] ?? "localhost:6379";
builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(20));
builder.Services.AddSignalR(options => options.StatefulReconnectBufferSize = 1_000_000).AddStackExchangeRedis(redis);
builder.Services.AddSingleton<LocalConnections>();
var server = new LiveServer(new LiveOptions
{
    Id = settings["ID"] ?? Guid.NewGuid().ToString("N"),
    Release = settings["RELEASE"],
    Log = new RedisLog(redis, RedisScripts.Load(settings["REDIS_SCRIPTS"] ?? "redis-scripts.json"), "slot-swap"),
    Authenticate = (_, _) => Task.FromResult<Identity?>(new Identity("anybody")),
    Authorize = _ => Task.FromResult(true),
});
builder.Services.AddSingleton(server);
builder.Services.AddHostedService(_ => new DrainOnStop(server, new DrainOptions { Deadline = settings.GetValue("DEADLINE", 10_000) }));

var app = builder.Build();
var chat = new PlainChat(await ConnectionMultiplexer.ConnectAsync(redis));
var hub = app.Services.GetRequiredService<IHubContext<ChatHub>>();
var local = app.Services.GetRequiredService<LocalConnections>();
// A request to drain, or the slot's own discovery that it was replaced, drains all three endpoints.
server.Drain.Also(chat.Drain);
server.Drain.Also((options, cancelled) => local.Drain(hub, options, cancelled));

app.UseWebSockets(new WebSocketOptions { AllowedOrigins = { settings["ORIGIN"] ?? "*" } });
app.Map("/live", server.Handle);
app.Map("/ws", chat.Serve);
app.MapHub<ChatHub>("/hub", options => options.AllowStatefulReconnects = true);
app.MapGet("/healthz", server.Health);
app.Map("/drain", server.Drain.Endpoint(settings["DRAIN_SECRET"] ?? throw new InvalidOperationException("DRAIN_SECRET is missing")));
// The application's own news, 1, 2, 3, …, come from a process to which no client is connected.
News? news = null;
app.MapPost("/news", (double rate, string ways) => { news = new News(rate, ways.Split(','), chat, hub, server); });
app.MapPost("/quiet", () => news!.Stop());
if (settings["PUBLIC_URL"] is { } address) _ = server.DrainWhenReplaced(new Uri(address), TimeSpan.FromMilliseconds(settings.GetValue("ASK_EVERY", 5_000)), new DrainOptions { Deadline = 10_000, Reason = "replaced" }, app.Lifetime.ApplicationStopping);
app.Lifetime.ApplicationStarted.Register(() => Console.WriteLine($"listening on {new Uri(app.Urls.First()).Port}"));
app.Run();
