import { machine, machineLine } from './kit/machine.js'
import { measureChart } from './kit/measure-chart.js'
import type { Ask, Measure, Part } from './kit/measure.js'
import { writeResults } from './kit/results.js'
import { createStage } from './kit/stage.js'
import { partText } from './kit/table.js'
import { HELP, readOptions, type BenchOptions } from './options.js'
import { PARTS } from './parts.js'

/** A part with its measures and the files that it wrote. */
interface Found {
  readonly part: Part
  readonly measures: readonly Measure[]
}

async function measure({ parts, rounds, baseline, only, small, json, out }: BenchOptions) {
  // Production mode, as in an installed application. Child processes inherit it.
  process.env['NODE_ENV'] = 'production'
  const say = (text: string) => void (json || console.error(text))
  say('building…')
  const stage = await createStage({ ...(baseline !== undefined && { baseline }) })
  try {
    const about = machine(
      Object.fromEntries(stage.builds.map(({ suffix, version }) => [`livesocket${suffix}`, version])),
    )
    const ask: Ask = {
      stage,
      rounds,
      small,
      say,
      wanted: (all) => all.filter(({ name }) => only.length === 0 || only.some((text) => name.startsWith(text))),
    }
    const line = `${machineLine(about)}; ${Object.entries(about.versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}; ${rounds} rounds.`
    const found: Found[] = []
    for (const part of PARTS) {
      if (parts.length > 0 && !parts.includes(part.name)) continue
      say(`${part.name}: ${part.title}…`)
      const measures = await part.run(ask)
      found.push({ part, measures })
      const object = JSON.stringify(
        { part: part.name, title: part.title, machine: about, rounds, small, measures },
        null,
        2,
      )
      writeResults(
        part.name,
        { json: object, md: `${partText(part, measures)}\n${line}\n`, svg: measureChart(part.title, measures) },
        out,
      )
    }
    if (json)
      console.log(
        JSON.stringify({
          machine: about,
          rounds,
          small,
          parts: Object.fromEntries(found.map(({ part, measures }) => [part.name, measures])),
        }),
      )
    else console.log(`${line}\n\n${found.map(({ part, measures }) => partText(part, measures)).join('\n')}`)
    say(`left in ${out}`)
  } finally {
    await stage.remove()
  }
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options.help) console.log(HELP)
  else await measure(options)
} catch (error) {
  console.error(
    error instanceof TypeError || error instanceof RangeError
      ? error
      : `${(error as Error).message}\nnpm run bench -- --help lists the options.`,
  )
  // A contender that hangs would keep this process alive.
  process.exit(2)
}
