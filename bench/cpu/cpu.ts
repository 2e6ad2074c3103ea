import { startProgram } from '../cluster/program.js'
import { peerContenders, type PeerContender } from '../kit/contender.js'
import type { Ask, Measure, Part } from '../kit/measure.js'
import { launchPlainBrowser } from '../kit/plain-browser.js'
import { inTurns } from '../kit/turns.js'
import type { Blocks, Compared } from './blocks.js'
import { compareInChromium } from './chromium.js'

const BLOCKS: Blocks = { messages: 10_000, warmUp: 8, blocks: 16 }
const SMALL: Blocks = { messages: 500, warmUp: 1, blocks: 2 }

async function inNode({ peer, build }: PeerContender, blocks: Blocks): Promise<Compared> {
  const program = startProgram(build.program('cpu/program'), { peer })
  try {
    return await program.ask<Compared>('measure', blocks)
  } finally {
    program.kill('SIGKILL')
    await program.exit
  }
}

async function run(ask: Ask): Promise<readonly Measure[]> {
  const blocks = ask.small ? SMALL : BLOCKS
  const contenders = ask.wanted(peerContenders(ask.stage))
  const browser = await launchPlainBrowser()
  try {
    return await inTurns(ask, contenders, { Node: '×', Chromium: '×' }, async (contender) => ({
      Node: (await inNode(contender, blocks)).ratio,
      Chromium: (await compareInChromium(browser, contender, blocks)).ratio,
    }))
  } finally {
    await browser.close()
  }
}

export const cpu: Part = {
  name: 'cpu',
  title: 'Processor time of a message',
  how: 'Ready-made events go from a stub WebSocket straight into the client. 1 is the least that a page does with a bare socket: it reads the event’s `data`, calls `JSON.parse` and calls back, in turns with the client in the same process.',
  run,
}
