// A SignalR hub that sends every line of its standard input to all clients: a number, or `move`.
using Microsoft.AspNetCore.SignalR;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddSignalR();
var app = builder.Build();
app.MapHub<NewsHub>("/hub");
app.Lifetime.ApplicationStarted.Register(() => Console.WriteLine($"listening on {new Uri(app.Urls.First()).Port}"));
_ = app.RunAsync();
var all = app.Services.GetRequiredService<IHubContext<NewsHub>>().Clients.All;
while (await Console.In.ReadLineAsync() is { } line)
{
    if (line == "move") await all.SendAsync("reconnect", new { deadline = 20_000 });
    else await all.SendAsync("tick", $"news-{line}", int.Parse(line));
}

sealed class NewsHub : Hub;
