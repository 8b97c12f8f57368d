import { Body, Controller, Get, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common';
import { BodyPipe } from '../body.pipe';
import { noSuchKey } from './key-errors';
import { GatewayKeys, type IssuedKey } from './gateway-keys';
import { DeleteKeysDto, GenerateKeyDto, RegenerateKeyDto } from './key-requests';
import { MasterKeyGuard } from './master-key.guard';

/** Manages keys as LiteLLM's proxy does. A key is shown once, by the request that made it. */
@Controller('key')
@UseGuards(MasterKeyGuard)
export class KeysController {
  constructor(private readonly keys: GatewayKeys) {}

  @Post('generate')
  @HttpCode(200)
  async generate(@Body(new BodyPipe(GenerateKeyDto)) wanted: GenerateKeyDto): Promise<object> {
    return answerOf(await this.keys.generate(wanted));
  }

  @Get('info')
  async info(@Query('key') key: unknown): Promise<object> {
    if (typeof key !== 'string') throw noSuchKey();
    const { tokenId, record } = await this.keys.find(key);
    const { key_alias, models, created_at, expires } = record;
    return { key: tokenId, info: { key_alias, models, created_at, expires } };
  }

  @Post(':key/regenerate')
  @HttpCode(200)
  async regenerate(
    @Param('key') key: string,
    @Body(new BodyPipe(RegenerateKeyDto)) wanted: RegenerateKeyDto,
  ): Promise<object> {
    return answerOf(await this.keys.regenerate(key, wanted));
  }

  @Post('delete')
  @HttpCode(200)
  async delete(@Body(new BodyPipe(DeleteKeysDto)) which: DeleteKeysDto): Promise<object> {
    return { deleted_keys: await this.keys.delete(which) };
  }
}

function answerOf({ key, tokenId, record }: IssuedKey): object {
  const { key_alias, models, created_at, expires } = record;
  return { key, token_id: tokenId, key_alias, models, created_at, expires };
}
