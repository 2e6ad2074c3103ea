#!/usr/bin/env bash
# ASP.NET Core 10: on SIGTERM, `StopAsync` of a hosted service runs only after the web server has stopped. The web server first waits for every WebSocket to
# close, for the whole `ShutdownTimeout` (30 s by default), and then cuts them: clients see 1006. The services run last, with a token that is already
# cancelled. So a service that says goodbye to its clients in `StopAsync` has no clients left, and each deploy takes 30 s.
# With `ServicesStopConcurrently` it runs at once, but no client can dial any more. In `StoppingAsync` of `IHostedLifecycleService`, and in
# `ApplicationStopping`, connections are open and new ones are accepted.
# One would guess that the application's own services stop first and the server beneath them last.
# The documentation says that services stop in reverse order of registration, but not that the server is one of them and the last one registered.
# It matters to a server that drains its connections in the most obvious hook. Needs the .NET SDK 10, Node and npm; the timeout is 3 s here.
set -eu
command -v dotnet > /dev/null || { echo 'dotnet is not installed'; exit 1; }
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund ws@8.23.0
mkdir app && cat > app/app.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk.Web"><PropertyGroup><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup></Project>
XML
cat > app/Program.cs <<'CS'
var builder = WebApplication.CreateBuilder(args);
builder.Logging.ClearProviders();
builder.Services.Configure<HostOptions>(host => (host.ShutdownTimeout, host.ServicesStopConcurrently) = (TimeSpan.FromSeconds(3), args.Contains("at-once")));
builder.Services.AddHostedService<Leave>();
var app = builder.Build();
app.UseWebSockets();
app.Map("/live", async (HttpContext context) =>
{
    using var socket = await context.WebSockets.AcceptWebSocketAsync();
    try { while (!(await socket.ReceiveAsync(new byte[100], default)).CloseStatus.HasValue) ; } catch (Exception) { }
});
app.Lifetime.ApplicationStarted.Register(() => Console.WriteLine($"ASP.NET Core {Environment.Version.Major} at {app.Urls.First()}"));
app.Lifetime.ApplicationStopping.Register(() => Leave.Tell("ApplicationStopping").Wait());
app.Run("http://127.0.0.1:0");
class Leave : IHostedLifecycleService
{
    // Until whoever reads it has looked around.
    public static async Task Tell(string hook) { Console.WriteLine(hook); await Task.Run(Console.ReadLine); }
    public Task StoppingAsync(CancellationToken hurry) => Tell("StoppingAsync");
    public Task StopAsync(CancellationToken hurry) => Tell(hurry.IsCancellationRequested ? "StopAsync, cancelled" : "StopAsync");
    public Task StartingAsync(CancellationToken _) => Task.CompletedTask;
    public Task StartAsync(CancellationToken _) => Task.CompletedTask;
    public Task StartedAsync(CancellationToken _) => Task.CompletedTask;
    public Task StoppedAsync(CancellationToken _) => Task.CompletedTask;
}
CS
dotnet publish app -c Release -o out -v q --nologo > build.log 2>&1 || { cat build.log; exit 1; }
cat > see.mjs <<'JS'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { WebSocket } from 'ws'

/** What a client sees at each of the hooks: of the connection that it has, and of one that it dials then. */
async function see(...words) {
  const server = spawn('dotnet', ['out/app.dll', ...words], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface(server.stdout)[Symbol.asyncIterator]()
  const [, name, url] = /(.*) at (\S+)/.exec((await lines.next()).value)
  const dial = () => new WebSocket(`${url.replace('http', 'ws')}/live`).on('error', () => undefined)
  let end = 'open'
  const has = dial().on('close', (code) => (end = `closed ${code}`))
  await once(has, 'open')
  let from = performance.now()
  server.kill('SIGTERM')
  const seen = []
  for (let line; (line = await lines.next()), !line.done; from = performance.now(), server.stdin.write('\n')) {
    const late = performance.now() - from > 1_500 ? ', 3 s later' : ''
    const next = dial()
    const taken = await new Promise((resolve) => next.once('open', () => resolve('taken')).once('close', () => resolve('refused')))
    // A connection that was taken must not be waited for.
    next.close()
    if (taken === 'taken') await once(next, 'close')
    seen.push(`${line.value}${late}: ${end}, dials are ${taken}`)
  }
  return [name, seen]
}
const FIRST = ['ApplicationStopping: open, dials are taken', 'StoppingAsync: open, dials are taken']
const expected = { '': 'StopAsync, cancelled, 3 s later: closed 1006, dials are refused', 'at-once': 'StopAsync: open, dials are refused' }
let same = true
for (const [words, last] of Object.entries(expected)) {
  const [name, seen] = await see(...(words ? [words] : []))
  console.log(`${name}${words && ' with ServicesStopConcurrently'}`)
  for (const line of seen) console.log(`  ${line}`)
  same &&= seen.join() === [...FIRST, last].join()
}
console.log(same ? 'as described' : 'CHANGED')
process.exit(same ? 0 : 1)
JS
timeout 60 node see.mjs
