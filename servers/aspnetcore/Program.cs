// A livesocket.v1 server as an application would have it: everything that is specific to the application is in this file.
using System.Text;
using LiveSocket;

var builder = WebApplication.CreateBuilder(args);
var settings = builder.Configuration;
var deadline = settings.GetValue("DEADLINE", 30_000);
// Longer than the drain, or the host would cut it short.
builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromMilliseconds(deadline + 15_000));

var accounts = settings["ACCOUNTS"] is { } service ? new HttpClient { BaseAddress = new Uri(service) } : null;
TimeSpan? life = settings.GetValue<double?>("TOKEN_TTL", null) is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : null;
// 403 is a no; after any other failure it cannot be decided.
async Task<string?> Ask(string what, string about)
{
    using var reply = await accounts!.PostAsync(what, new StringContent(about));
    return reply.StatusCode == System.Net.HttpStatusCode.Forbidden ? null : await reply.EnsureSuccessStatusCode().Content.ReadAsStringAsync();
}

var (token, hidden) = (settings["TOKEN"], settings["HIDDEN"]);
ITopicLog log = settings["REDIS"] is { } redis ? new RedisLog(redis, RedisScripts.Load(settings["REDIS_SCRIPTS"] ?? "redis-scripts.json")) : new MemoryLog();
var server = new LiveServer(new LiveOptions
{
    Log = log,
    Id = settings["ID"] ?? Guid.NewGuid().ToString("N"),
    Release = settings["RELEASE"],
    Heartbeat = settings.GetValue("HEARTBEAT", 10_000),
    TokenGrace = settings.GetValue("TOKEN_GRACE", 60_000),
    ReconnectSpread = settings.GetValue<int?>("RECONNECT_SPREAD", null),
    // Your own check: validate a JWT, look up a session. Here one token is right, or everybody is let in, or a service is asked.
    Authenticate = async (said, _) => accounts is not null ? await Ask("whose", said ?? "") is { } name ? new Identity(name, life) : null : token is null || said == token ? new Identity("load") : null,
    Authorize = async asked => accounts is null || await Ask(asked.Publishing ? "write" : "read", asked.Topic) is not null,
    Filter = hidden is null ? null : (_, entry, _) => Encoding.UTF8.GetString(entry.Data.Utf8) != hidden,
});
builder.Services.AddHostedService(_ => new DrainOnStop(server, new DrainOptions { Deadline = deadline, Rate = settings.GetValue<double?>("RATE", null) }));

var app = builder.Build();
var web = new WebSocketOptions();
// Pages of other origins are turned away. Programs, which send no origin, are not.
foreach (var origin in (settings["ORIGINS"] ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries)) web.AllowedOrigins.Add(origin);
app.UseWebSockets(web);
app.Map("/live", server.Handle);
app.MapGet("/healthz", server.Health);
if (settings["DRAIN_SECRET"] is { } secret) app.Map("/drain", server.Drain.Endpoint(secret));
if (settings["DRAIN_SECRET"] is not null) app.MapPost("/end", (string subject) => server.End(who => who.Subject == subject, "Signed out."));
if (settings["DRAIN_SECRET"] is not null && log is MemoryLog memory) app.MapPost("/lose", () => memory.Forget());
if (settings["PUBLIC_URL"] is { } address) _ = server.DrainWhenReplaced(new Uri(address), TimeSpan.FromMilliseconds(settings.GetValue("ASK_EVERY", 5_000)), new DrainOptions { Deadline = deadline, Reason = "replaced" }, app.Lifetime.ApplicationStopping);
app.Lifetime.ApplicationStarted.Register(() => Console.WriteLine($"listening on {new Uri(app.Urls.First()).Port}"));
app.Run();
