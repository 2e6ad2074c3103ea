import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../kit/source-files.js'

/** The type checker's messages for a program of its own: what it registers must not be registered in other tests. */
async function check(text: string): Promise<string> {
  const cache = join(ROOT, 'node_modules', '.cache')
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'livesocket-types-'))
  try {
    await writeFile(join(folder, 'app.ts'), text)
    const paths = { livesocket: ['../../../src/index.ts'], 'livesocket/react': ['../../../src/react/index.ts'] }
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: '../../../tsconfig.json', compilerOptions: { paths }, files: ['app.ts'], include: [] }),
    )
    return await promisify(execFile)(process.execPath, [
      join(ROOT, 'node_modules/typescript/bin/tsc'),
      '-p',
      folder,
    ]).then(
      () => '',
      ({ stdout }: { stdout: string }) => stdout,
    )
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe('Register', () => {
  it.each([
    ['its topics', 'topics: { prices: { price: number }; chat: string }'],
    ['its socket', 'socket: typeof socket'],
  ])(
    'types every hook of an application by %s',
    async (_name, register) => {
      const said = await check(`
        import { createLiveSocket } from 'livesocket'
        import { useLiveMessages, useLiveSocket, useLiveValue, usePublish } from 'livesocket/react'
        export const socket = createLiveSocket<{ prices: { price: number }; chat: string }>({ url: 'wss://live.test' })
        declare module 'livesocket/react' {
          interface Register { ${register} }
        }
        export function useAll(): number | undefined {
          useLiveMessages('chat', (data) => data.toUpperCase())
          useLiveSocket().subscribe('prices', ({ price }) => price.toFixed())
          void usePublish('chat').publish('hello')
          // @ts-expect-error: not a topic
          useLiveValue('news')
          // @ts-expect-error: not what the topic takes
          void usePublish('prices').publish('hello')
          return useLiveValue('prices')?.price
        }
      `)
      expect(said).toBe('')
    },
    60_000,
  )
})
