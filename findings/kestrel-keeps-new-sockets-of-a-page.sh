#!/usr/bin/env bash
# ASP.NET Core 10 that serves HTTPS itself behind a layer 4 balancer: a new WebSocket of a page that is open in Chromium 156 goes to the server from which the
# page was loaded, wherever the balancer sends new connections by then. Kestrel accepts WebSockets inside HTTP/2 by default, so Chromium reuses the page's
# connection, and the balancer never sees the new WebSocket. After `context.Connection.RequestClose()`, which sends GOAWAY, the next WebSocket gets its own
# connection and the open one lives on; with `HttpProtocols.Http1` for the endpoint each WebSocket has its own.
# One would guess that each `new WebSocket` is a new connection, which a balancer distributes like any other.
# The documentation says that WebSockets use HTTP/2 if both sides can. It does not mention balancers.
# It matters to a rolling deploy: the old server is out of the balancer, its pages dial again because it asked them to, and all of them are back on the old
# server, until it ends. Needs the .NET SDK 10, Debian's chromium, openssl, Node and npm.
set -eu
for program in dotnet chromium openssl; do command -v $program > /dev/null || { echo "$program is not installed"; exit 1; }; done
work=$(mktemp -d); trap 'rm -rf "$work" 2> /dev/null || { sleep 1; rm -rf "$work"; }' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund playwright-core@1.65.1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost 2> /dev/null
mkdir app && cat > app/app.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk.Web"><PropertyGroup><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup></Project>
XML
cat > app/Program.cs <<'CS'
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
var builder = WebApplication.CreateBuilder(args);
builder.Logging.ClearProviders();
builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(int.Parse(args[1]), listen =>
{
    listen.UseHttps(X509Certificate2.CreateFromPemFile("cert.pem", "key.pem"));
    if (args[2] == "http1") listen.Protocols = HttpProtocols.Http1;
}));
var app = builder.Build();
app.UseWebSockets();
app.MapGet("/", () => Results.Content("<!doctype html><title>x</title>", "text/html"));
app.Map("/live", async (HttpContext context) =>
{
    using var socket = await context.WebSockets.AcceptWebSocketAsync();
    await socket.SendAsync(Encoding.UTF8.GetBytes($"{args[0]} over {context.Request.Protocol}"), WebSocketMessageType.Text, true, default);
    // A word of the page asks for no further requests on this connection: a GOAWAY of HTTP/2.
    try { while (!(await socket.ReceiveAsync(new byte[100], default)).CloseStatus.HasValue) context.Connection.RequestClose(); } catch (Exception) { }
});
app.Lifetime.ApplicationStarted.Register(() => Console.WriteLine($"ASP.NET Core {Environment.Version.Major}"));
app.Run();
CS
dotnet publish app -c Release -o out -v q --nologo > build.log 2>&1 || { cat build.log; exit 1; }
cat > see.mjs <<'JS'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { chromium } from 'playwright-core'

async function freePort() {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address()
  await new Promise((done) => server.close(done))
  return port
}
const all = []
process.on('exit', () => all.forEach((server) => server.kill('SIGKILL')))
let name
const browser = await chromium.launch({ executablePath: process.argv[2], args: ['--no-sandbox', '--ignore-certificate-errors'] })

/** Where the WebSockets of a page lead that was loaded from the old server: one at once, and one when the balancer sends new connections to the new server. */
async function see(protocols, asks = false) {
  const ports = {}
  for (const server of ['old', 'new']) {
    ports[server] = await freePort()
    const child = spawn('dotnet', ['out/app.dll', server, String(ports[server]), protocols], { stdio: ['ignore', 'pipe', 'inherit'] })
    all.push(child)
    name = String((await once(child.stdout, 'data'))[0]).trim()
  }
  let target = 'old'
  let connections = 0
  const balancer = createServer((client) => {
    connections++
    const server = connect(ports[target], '127.0.0.1')
    for (const [one, other] of [[client, server], [server, client]]) one.on('error', () => undefined).on('close', () => other.destroy()).pipe(other)
  })
  await once(balancer.listen(0, '127.0.0.1'), 'listening')
  const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage()
  await page.goto(`https://localhost:${balancer.address().port}/`)
  const dial = () => page.evaluate(() => new Promise((resolve, reject) => {
    const socket = new WebSocket(`wss://${location.host}/live`)
    window.first ??= socket
    socket.onmessage = ({ data }) => resolve(data)
    socket.onerror = () => reject(new Error('no WebSocket'))
  }))
  const first = await dial()
  target = 'new'
  if (asks) {
    await page.evaluate(() => first.send('go away'))
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  const before = connections
  return `first ${first}; when the balancer has changed ${await dial()}, with ${connections - before} new connections${asks ? `; the first is ${(await page.evaluate(() => first.readyState)) === 1 ? 'open' : 'gone'}` : ''}`
}
const seen = { default: await see('default'), 'default, and RequestClose()': await see('default', true), http1: await see('http1') }
console.log(`${name}, Chromium ${browser.version()}`)
for (const [protocols, came] of Object.entries(seen)) console.log(`  ${protocols}: ${came}`)
await browser.close()
const same =
  seen.default === 'first old over HTTP/2; when the balancer has changed old over HTTP/2, with 0 new connections' &&
  seen['default, and RequestClose()'] === 'first old over HTTP/2; when the balancer has changed new over HTTP/1.1, with 1 new connections; the first is open' &&
  seen.http1 === 'first old over HTTP/1.1; when the balancer has changed new over HTTP/1.1, with 1 new connections'
console.log(same ? 'as described' : 'CHANGED')
process.exit(same ? 0 : 1)
JS
timeout 80 node see.mjs "$(command -v chromium)"
