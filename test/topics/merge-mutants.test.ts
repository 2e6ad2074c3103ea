import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { transformWithOxc } from 'vite'
import type { createMerge } from '../../src/topics/merge.js'
import { planted } from '../kit/mutant.js'
import { search } from './merge-search.js'

const FILES = ['merge', 'leg-view', 'topic-sequence', 'holding', 'frame-room'] as const

/** The files that they import from other rooms. */
const BESIDE = ['base/explanation', 'protocol/json', 'protocol/position'] as const

/** Plausible mistakes: the file, the original code, the mistaken code, and what is wrong then. */
const MISTAKES: readonly (readonly [(typeof FILES)[number], from: string, to: string, wrong: string])[] = [
  ['merge', 'if (offset <= topic.offset)', 'if (offset < topic.offset)', 'the message at the position is told again'],
  [
    'merge',
    'if (topic.epoch !== named.epoch) return',
    'if (topic.epoch === null) return',
    'a message of another epoch is taken',
  ],
  ['merge', 'named.tail = Math.max(named.tail, offset)', '', 'a broken leg covers for ever'],
  ['merge', 'view?.asked?.id === id', 'view?.asked', 'an answer to an older subscribe counts'],
  [
    'merge',
    'asked: { id, from }, named: null,',
    'asked: { id, from }, named: topic.active?.named ?? null,',
    'messages before the answer to the newest subscribe count',
  ],
  ['merge', 'if (view?.generation === topic.generation) {', 'if (view) {', 'a hello speaks for a later subscription'],
  ['merge', 'if (view !== topic.active) return\n', '', 'the old leg changes the epoch'],
  [
    'merge',
    'view?.named && answers.has(topic.name)',
    'view && answers.has(topic.name)',
    'an unasked naming counts though a subscribe is unanswered',
  ],
  [
    'merge',
    'else if (view === topic.active) topic.resubscribe()',
    '',
    'a topic left out of a welcome, or of another answer, is forgotten',
  ],
  ['merge', 'else topic.resubscribe()', '', 'a topic that no hello asked for is forgotten'],
  [
    'merge',
    'if (!view.refused && view === topic.active) topic.pause(retryAfter)',
    '',
    'a topic refused for now is never asked for again',
  ],
  ['merge', ' || position.offset < view.named.head) return false', ') return false', 'caught up before the head'],
  ['merge', 'if (this.#telling ||', 'if (', 'handlers that call back are told one inside another'],
  [
    'leg-view',
    'Math.max(named.after, named.tail) <= position.offset',
    'named.after <= position.offset',
    'a leg that broke still covers',
  ],
  [
    'leg-view',
    'Math.max(named.after, named.tail) <= position.offset',
    'named.tail <= position.offset',
    'every leg covers',
  ],
  ['leg-view', 'Math.max(named.after, named.tail) <= position.offset', 'false', 'nothing ever covers'],
  [
    'topic-sequence',
    'if (reaches(at, active.from) && active.after',
    'if (active.after',
    'a gap is told though nobody asked from the position',
  ],
  ['topic-sequence', 'return held < active.after ? ', 'return false ? ', 'a gap goes over what is held'],
  [
    'topic-sequence',
    'if (!this.#waited && covers(this.old?.named, at))',
    'if (false)',
    'the old leg is not waited for',
  ],
  ['topic-sequence', 'this.#waited = true', '', 'the old leg is waited for without end'],
  [
    'topic-sequence',
    "if (this.#tries >= TRIES && held < Infinity) return this.#skip(at, held, 'lost')",
    '',
    'a server that breaks its stream is asked for ever',
  ],
  [
    'topic-sequence',
    'if (this.#tries++ < TRIES) return',
    'return',
    'a server that leaves a topic out is asked for ever',
  ],
  ['topic-sequence', 'from: at.offset + 1,', 'from: at.offset,', 'a gap begins one too early'],
  [
    'topic-sequence',
    'if (!unasked && named.from?.epoch !== epoch) return',
    '',
    'an answer to no position changes the epoch',
  ],
  [
    'topic-sequence',
    'if (!unasked && named.from?.epoch !== epoch) return',
    'if (!unasked) return',
    'an answer to a position does not change the epoch',
  ],
  [
    'topic-sequence',
    "this.holding.clear()\n      this.#epochGap = 'due'",
    "this.#epochGap = 'due'",
    'what is held of a former epoch is told in the new one',
  ],
]

async function withMistake<Result>(
  file: string,
  from: string,
  to: string,
  use: (create: typeof createMerge) => Result,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'merge-'))
  try {
    for (const name of [...FILES.map((one) => `topics/${one}`), ...BESIDE]) {
      const path = resolve('src', `${name}.ts`)
      let text = await readFile(path, 'utf8')
      if (name === `topics/${file}`) text = planted(text, from, to, path)
      const { code } = await transformWithOxc(text, path)
      await mkdir(join(folder, dirname(name)), { recursive: true })
      await writeFile(join(folder, `${name}.mjs`), code.replace(/(from\s+["']\.[^"']*)\.js(["'])/g, '$1.mjs$2'))
    }
    const module = (await import(/* @vite-ignore */ pathToFileURL(join(folder, 'topics/merge.mjs')).href)) as {
      createMerge: typeof createMerge
    }
    return use(module.createMerge)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const mistakes = MISTAKES.map(([file, from, to, wrong]) => ({ file, from, to, wrong }))

test.each(mistakes)(
  'client rule 4: the random worlds fail when $wrong',
  { timeout: 60_000 },
  async ({ file, from, to }) => {
    const found = await withMistake(file, from, to, (create) => search(create, 2_000, 250, 1, false))
    expect(found).not.toBeNull()
  },
)
