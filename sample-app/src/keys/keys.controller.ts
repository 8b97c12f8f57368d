import { Body, Controller, Get, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common';
import { BodyPipe } from '../body.pipe';
import { noSuchKey } from './key-errors';
import { GatewayKeys, type IssuedKey } from './gateway-keys';
import { KeyChanges } from './key-changes';
import { KeyDeletions } from './key-deletions';
import { type KeyRecord } from './key-record';
import {
  DeleteKeysDto,
  GenerateKeyDto,
  KeyDto,
  RegenerateKeyDto,
  UpdateKeyDto,
} from './key-requests';
import { MasterKeyGuard } from './master-key.guard';

/** Manages keys in the way of LiteLLM's proxy. Only the request that creates a key returns it. */
@Controller('key')
@UseGuards(MasterKeyGuard)
export class KeysController {
  constructor(
    private readonly keys: GatewayKeys,
    private readonly changes: KeyChanges,
    private readonly deletions: KeyDeletions,
  ) {}

  @Post('generate')
  @HttpCode(200)
  async generate(@Body(new BodyPipe(GenerateKeyDto)) wanted: GenerateKeyDto): Promise<object> {
    return answerOf(await this.keys.generate(wanted));
  }

  @Get('info')
  async info(@Query('key') key: unknown): Promise<object> {
    if (typeof key !== 'string') throw noSuchKey();
    const { tokenId, record } = await this.keys.find(key);
    return { key: tokenId, info: infoOf(record) };
  }

  @Post(['regenerate', ':key/regenerate'])
  @HttpCode(200)
  async regenerate(
    @Param('key') key: string | undefined,
    @Body(new BodyPipe(RegenerateKeyDto)) wanted: RegenerateKeyDto,
  ): Promise<object> {
    const which = key ?? wanted.key;
    if (which === undefined) throw noSuchKey();
    return answerOf(await this.changes.regenerate(which, wanted));
  }

  @Post('update')
  @HttpCode(200)
  async update(@Body(new BodyPipe(UpdateKeyDto)) wanted: UpdateKeyDto): Promise<object> {
    const { tokenId, record } = await this.changes.update(wanted.key, wanted);
    return { key: tokenId, ...infoOf(record) };
  }

  @Post('block')
  @HttpCode(200)
  async block(@Body(new BodyPipe(KeyDto)) { key }: KeyDto): Promise<object> {
    return await this.setBlocked(key, true);
  }

  @Post('unblock')
  @HttpCode(200)
  async unblock(@Body(new BodyPipe(KeyDto)) { key }: KeyDto): Promise<object> {
    return await this.setBlocked(key, false);
  }

  @Post('delete')
  @HttpCode(200)
  async delete(@Body(new BodyPipe(DeleteKeysDto)) which: DeleteKeysDto): Promise<object> {
    return { deleted_keys: await this.deletions.delete(which) };
  }

  private async setBlocked(key: string, blocked: boolean): Promise<object> {
    const { tokenId, record } = await this.changes.update(key, { blocked });
    return { token: tokenId, ...infoOf(record), blocked };
  }
}

function answerOf({ key, tokenId, record }: IssuedKey): object {
  return { key, token_id: tokenId, ...infoOf(record) };
}

function infoOf({ key_alias, models, created_at, expires, blocked }: KeyRecord): object {
  return { key_alias, models, created_at, expires, ...(blocked ? { blocked } : {}) };
}
