import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSessions } from '#internal/front/sessions'

test('a session is of whoever opened it, and of nobody else', () => {
  const sessions = createSessions()
  sessions.bind('a', 'alice')
  sessions.bind('a', 'mallory')
  assert.deepEqual([sessions.belongsTo('a', 'alice'), sessions.belongsTo('a', 'mallory')], [true, false])
  assert.equal(sessions.belongsTo('b', 'alice'), false)
  sessions.end('a')
  assert.equal(sessions.belongsTo('a', 'alice'), false)
})

test('beyond the bound the longest unused is forgotten, and then nobody’s', () => {
  const sessions = createSessions({ most: 2, mostPerCaller: 2 })
  sessions.bind('a', 'alice')
  sessions.bind('b', 'bob')
  assert.ok(sessions.belongsTo('a', 'alice'))
  assert.ok(!sessions.belongsTo('a', 'bob'), 'asking for someone else’s does not keep it')
  sessions.bind('c', 'carol')
  assert.deepEqual([sessions.knows('a'), sessions.knows('b'), sessions.knows('c')], [true, false, true])
  assert.ok(!sessions.belongsTo('b', 'bob'))
})

test('a caller who opens many loses the longest unused of their own, and takes none from others', () => {
  const sessions = createSessions({ most: 100, mostPerCaller: 2 })
  sessions.bind('a', 'alice')
  for (const id of ['m1', 'm2']) sessions.bind(id, 'mallory')
  assert.ok(sessions.belongsTo('m1', 'mallory'))
  sessions.bind('m3', 'mallory')
  assert.deepEqual(
    ['a', 'm1', 'm2', 'm3'].filter((id) => sessions.knows(id)),
    ['a', 'm1', 'm3'],
  )
  sessions.end('m1')
  sessions.bind('m4', 'mallory')
  assert.ok(sessions.knows('m3'), 'one that was ended is not counted')
})
