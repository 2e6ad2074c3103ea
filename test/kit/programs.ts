import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Tests beside software that npm does not bring, and what each of them starts: programs, and folders of libraries. */
export const NEEDS: Record<string, readonly string[]> = {
  'test/server/redis/redis-*.test.ts': ['redis-server'],
  'test/server/redis/roll-call.test.ts': ['redis-server'],
  'test/server/redis/redis-cluster.test.ts': ['redis-server', 'openssl'],
  'test/prove/prove.test.ts': ['redis-server'],
  'test/cluster/drive.test.ts': ['redis-server', 'nginx', 'haproxy'],
  'test/cluster/recipes.test.ts': ['nginx', 'haproxy', 'openssl', 'systemd-analyze'],
  'test/cli/upgrade-probe.test.ts': ['openssl'],
  'test/server/upgrade/upgrade-over-tls.test.ts': ['openssl'],
  'test/browser/firefox.test.ts': ['firefox-esr'],
  'test/browser/http2.test.ts': ['firefox-esr', 'haproxy', 'openssl'],
  'test/examples/chat-in-chromium.test.ts': ['redis-server'],
  'test/browser/webkit.test.ts': ['WebKitWebDriver', 'Xvfb'],
  'test/presets/mosquitto.test.ts': ['mosquitto', 'mosquitto_passwd'],
  'test/presets/nats.test.ts': ['nats-server'],
  'test/presets/socket-io-redis.test.ts': ['redis-server'],
  'test/presets/server-go.test.ts': ['go', '/usr/share/gocode/src/github.com/gorilla/websocket'],
  'test/presets/server-dotnet.test.ts': ['dotnet'],
  'test/servers/*.test.ts': ['dotnet', 'redis-server', 'haproxy'],
  'test/presets/server-phoenix.test.ts': ['elixir', '/usr/share/doc/erlang-jiffy'],
}

/** What no package of Debian brings: CI runs it where it is, and says so where it is not. */
const NOT_IN_DEBIAN = 'dotnet'

/**
 * The tests that cannot run here, and says so, loudly. In CI there are none but those of what Debian has no package of:
 * it installs what they need, and what is missing there is a failure.
 */
export function withoutPrograms(): string[] {
  const left = Object.entries(NEEDS).flatMap(([tests, programs]) => {
    const missing = programs.filter((program) => !installed(program))
    return missing.length === 0 || (process.env['CI'] && !missing.includes(NOT_IN_DEBIAN)) ? [] : [{ tests, missing }]
  })
  // The projects and their workers read the configuration again, and inherit this.
  const told = process.env['NOT_RUN_TOLD'] !== undefined
  process.env['NOT_RUN_TOLD'] = 'yes'
  for (const { tests, missing } of told ? [] : left)
    console.warn(`NOT RUN: ${tests}, since ${missing.join(' and ')} is not installed here.`)
  return left.map(({ tests }) => tests)
}

/** A program on the path, or the path of a folder. */
export function installed(program: string): boolean {
  if (program.startsWith('/')) return existsSync(program)
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.some((folder) => folder !== '' && existsSync(join(folder, program)))
}
