import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { builtDotnet } from '../kit/dotnet.js'
import { freePort } from '../kit/free-port.js'
import { EXAMPLES, keepsItsPromises, program } from './example-server.js'

/** The project file that `dotnet new web` makes. */
const PROJECT = `<Project Sdk="Microsoft.NET.Sdk.Web">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework>
    <Nullable>enable</Nullable>
    <ImplicitUsings>enable</ImplicitUsings>
    <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
  </PropertyGroup>
</Project>`

describe('the example of an ASP.NET Core server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'livesocket-aspnet-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  let built = ''

  /** Replaces the epoch, which the processes share, and the time for which clients may stay. */
  beforeAll(async () => {
    let text = readFileSync(join(EXAMPLES, 'Program.cs'), 'utf8')
    const put = (part: string, variable: string) => {
      expect(text).toContain(part)
      text = text.replace(part, variable)
    }
    put('Guid.NewGuid().ToString()', 'Environment.GetEnvironmentVariable("EPOCH")!')
    put('waited < 25_000', 'waited < int.Parse(Environment.GetEnvironmentVariable("STAY")!)')
    put(
      'TimeSpan.FromSeconds(40)',
      'TimeSpan.FromMilliseconds(1.5 * int.Parse(Environment.GetEnvironmentVariable("STAY")!))',
    )
    writeFileSync(join(folder, 'Program.cs'), text)
    writeFileSync(join(folder, 'Chat.csproj'), PROJECT)
    built = await builtDotnet(folder)
  }, 120_000)

  keepsItsPromises({
    async start(epoch, stay) {
      const port = await freePort()
      const urls = ['--urls', `http://127.0.0.1:${port}`]
      return program('dotnet', [built, ...urls], { EPOCH: epoch, STAY: String(stay) }, port)
    },
    replays: false,
    code: 1006,
  })
})
