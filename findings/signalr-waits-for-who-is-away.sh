#!/usr/bin/env bash
# SignalR in ASP.NET Core 10 with stateful reconnect: the server buffers what a disconnected client misses, up to 100,000 bytes. Once that is full,
# `await Clients.All.SendAsync(…)` does not return until the server gives that client up, which by default is 15 s after the break. A loop that awaits each
# send therefore sends nothing to anybody meanwhile. The client itself gave up long before: its one attempt to return was refused, and it is closed.
# Without stateful reconnect nobody waits.
# One would guess that a full buffer costs its own client the reconnect, and affects nobody else. The documentation says how much is buffered for a
# connection, and not what happens at that limit.
# It matters because stateful reconnect is enabled for phones that lose their network for a moment, and each such phone then stops a busy hub for all.
# A publisher must not await `Clients.All`, or must not use stateful reconnect. Needs the .NET SDK 10, Node and npm.
set -eu
command -v dotnet > /dev/null || { echo 'dotnet is not installed'; exit 1; }
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund @microsoft/signalr@10.0.0 ws@8.23.0
mkdir hub && cat > hub/hub.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk.Web"><PropertyGroup><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup></Project>
XML
cat > hub/Program.cs <<'CS'
using Microsoft.AspNetCore.SignalR;
var builder = WebApplication.CreateBuilder(args);
builder.Logging.ClearProviders();
builder.Services.AddSignalR();
var app = builder.Build();
app.MapHub<Plain>("/plain");
app.MapHub<Stateful>("/stateful", options => options.AllowStatefulReconnects = true);
app.MapPost("/go", (IHubContext<Plain> plain, IHubContext<Stateful> stateful) => { _ = Publish(plain.Clients.All); _ = Publish(stateful.Clients.All); });
app.Lifetime.ApplicationStarted.Register(() => Console.WriteLine($"ASP.NET Core {Environment.Version.Major} at {app.Urls.First()}"));
app.Run("http://127.0.0.1:0");
// A message of 10 kB some forty times a second.
static async Task Publish(IClientProxy everybody)
{
    for (; ; await Task.Delay(20)) await everybody.SendAsync("news", new string('x', 10_000));
}
class Plain : Hub;
class Stateful : Hub;
CS
dotnet publish hub -c Release -o out -v q --nologo > build.log 2>&1 || { cat build.log; exit 1; }
cat > see.mjs <<'JS'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { HttpTransportType, HubConnectionBuilder, LogLevel } from '@microsoft/signalr'
import { WebSocket } from 'ws'

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const server = spawn('dotnet', ['out/hub.dll'], { stdio: ['ignore', 'pipe', 'inherit'] })
process.on('exit', () => server.kill('SIGKILL'))
const [, name, url] = /(.*) at (\S+)/.exec(String((await once(server.stdout, 'data'))[0]))
// The network of the clients that lose theirs.
let up = true
const streams = new Set()
const relay = createServer((client) => {
  if (!up) return client.destroy()
  const far = connect(Number(new URL(url).port), '127.0.0.1')
  for (const [one, other] of [[client, far], [far, client]]) streams.add(one.on('error', () => undefined).on('close', () => other.destroy()).pipe(other))
})
await once(relay.listen(0, '127.0.0.1'), 'listening')

async function join(kind, base, heard) {
  const builder = new HubConnectionBuilder().withUrl(`${base}/${kind}`, { transport: HttpTransportType.WebSockets, WebSocket }).configureLogging(LogLevel.None)
  const client = (kind === 'stateful' ? builder.withStatefulReconnect() : builder).build()
  client.on('news', heard)
  await client.start()
  return client
}
let broken = Infinity
const pauses = { plain: 0, stateful: 0 }
for (const kind of Object.keys(pauses)) {
  let last = performance.now()
  await join(kind, url, () => {
    const now = performance.now()
    if (last > broken) pauses[kind] = Math.max(pauses[kind], now - last)
    last = now
  })
  const client = await join(kind, `http://127.0.0.1:${relay.address().port}`, () => undefined)
  client.onclose(() => console.log(`  ${kind}: the client that lost its network is closed after ${((performance.now() - broken) / 1_000).toFixed(1)} s`))
}
broken = performance.now()
up = false
for (const stream of streams) stream.destroy()
await later(500)
await fetch(`${url}/go`, { method: 'POST' })
await later(20_000)
const { version } = JSON.parse(readFileSync('node_modules/@microsoft/signalr/package.json', 'utf8'))
console.log(`${name}, @microsoft/signalr ${version}: the other client, which is well, heard nothing for`)
for (const [kind, ms] of Object.entries(pauses)) console.log(`  ${kind}: ${(ms / 1_000).toFixed(1)} s`)
const same = pauses.plain < 5_000 && pauses.stateful > 10_000 && pauses.stateful < 20_000
console.log(same ? 'as described' : 'CHANGED')
process.exit(same ? 0 : 1)
JS
timeout 60 node see.mjs
