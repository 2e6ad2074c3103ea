import { parseArgs } from 'node:util'
import { flood } from './flood.js'
import { KINDS, type Kind } from './strangers-kinds.js'

const { values } = parseArgs({
  options: {
    kind: { type: 'string', multiple: true, default: [...KINDS] },
    connections: { type: 'string', default: '20000' },
    'at-once': { type: 'string', default: '5000' },
    addresses: { type: 'string', multiple: true, default: ['1', '250'] },
    lasts: { type: 'string', default: '20' },
    own: { type: 'boolean', default: false },
    events: { type: 'boolean', default: false },
  },
})

const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`
console.log(
  '| kind | addresses | dialled | process | honest: live / dialled | median, longest (ms) | memory: before, peak, after | CPU | left |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
)
for (const kind of values.kind as Kind[]) {
  for (const addresses of values.addresses.map(Number)) {
    const { alive, live, missed, dialled, rss, cpu, left, events } = await flood({
      kind,
      addresses,
      connections: Number(values.connections),
      atOnce: Number(values['at-once']),
      lasts: Number(values.lasts) * 1_000,
      honestEvery: 100,
      own: values.own,
    })
    const [median, longest] = [live[Math.floor(live.length / 2)], live.at(-1)].map((ms) => ms?.toFixed(0) ?? '-')
    const why = missed.length === 0 ? '' : ` (${[...new Set(missed)].join(', ')})`
    console.log(
      `| ${kind} | ${addresses} | ${dialled} | ${alive ? 'alive' : 'DEAD'} | ${live.length} / ${live.length + missed.length}${why} | ${median}, ${longest} | ${mib(rss.before)}, ${mib(rss.peak)}, ${mib(rss.after)} | ${(cpu * 100).toFixed(0)} % | ${left} |`,
    )
    if (values.events) console.log(events)
  }
}
