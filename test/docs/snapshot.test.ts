import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createLiveSocket } from 'livesocket'
import type { LiveServer } from 'livesocket/server'
import initSqlJs, { type Database } from 'sql.js'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { seededRandom } from '../../src/testing/seeded-random.js'
import { ROOT } from '../kit/source-files.js'
import { sleep, until } from '../kit/wait.js'

interface Sample {
  readonly live: LiveServer
  snapshot(room: string): Promise<{ state: string[]; position: { epoch: string; offset: number } }>
}

/** The sample in docs/requests.md as it stands, but for its port, with this database. */
async function sample(database: Database): Promise<Sample> {
  const page = await readFile(join(ROOT, 'docs/requests.md'), 'utf8')
  const code = [...page.matchAll(/^```ts\n([\s\S]*?)^```/gm)]
    .map(([, text]) => text!)
    .find((text) => text.includes('snapshot('))!
  const folder = await mkdtemp(join(import.meta.dirname, '.pair-snapshot-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'sample.ts')
  const taken = code
    .replace('declare const database: Database', 'const database = (globalThis as any).database as Database')
    .replace('const live =', 'export const live =')
    .replace('port: 8080', "port: 0, host: '127.0.0.1'")
  await writeFile(file, taken)
  const query = async (sql: string, values: unknown[]) => {
    await sleep(1)
    const statement = database.prepare(sql)
    statement.bind(Object.fromEntries(values.map((value, at) => [`$${at + 1}`, value as string])))
    const rows: unknown[] = []
    while (statement.step()) rows.push(statement.getAsObject())
    statement.free()
    // What it has read is of before, by the time it is told.
    await sleep(5)
    return { rows }
  }
  Object.assign(globalThis, { database: { query } })
  onTestFinished(() => void delete (globalThis as { database?: unknown }).database)
  return (await import(file)) as Sample
}

it('a fold that begins at rows of a SQLite database, as the docs have it, has each message once and in order, whenever it is loaded', async () => {
  const database = new (await initSqlJs()).Database()
  database.run('CREATE TABLE messages (id INTEGER PRIMARY KEY, room TEXT, text TEXT)')
  const { live, snapshot } = await sample(database)
  onTestFinished(() => live.close())
  await live.ready

  const count = 60
  const random = seededRandom(7)
  const socket = createLiveSocket<{ kitchen: string }>({
    url: live.address(),
    environment: { WebSocket: WebSocket as never },
  })
  onTestFinished(() => socket.close())
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 5_000, 'the client to be live')
  const views: { getState(): readonly string[] }[] = []
  for (let n = 1; n <= count; n++) {
    database.run('INSERT INTO messages (room, text) VALUES (?, ?)', ['kitchen', `message ${n}`])
    await sleep(random() * 4)
    const published = live.publish('kitchen', `message ${n}`)
    if (n % 6 === 0) {
      // What was written before it was published may be in the rows, and come as a message too.
      const view = socket.fold(
        'kitchen',
        (all: readonly string[], text) => (all.includes(text) ? all : [...all, text]),
        [],
        { load: () => snapshot('kitchen') },
      )
      view.subscribe(() => undefined)
      views.push(view)
    }
    await published
  }
  const all = Array.from({ length: count }, (_, at) => `message ${at + 1}`)
  await until(() => views.every((view) => view.getState().length === count), 5_000, 'all views to have all messages')
  for (const view of views) expect(view.getState()).toEqual(all)
  expect(database.exec('SELECT count(*) FROM messages')[0]!.values).toEqual([[count]])
})
