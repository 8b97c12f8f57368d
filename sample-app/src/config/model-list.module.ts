import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { ModelList } from './model-list';
import { readModelList } from './read-model-list';

const MODELS_FILE = join(__dirname, '../../models.json');

@Module({
  providers: [
    {
      provide: ModelList,
      inject: [ConfigService],
      useFactory: (config: ConfigService) => readModelList(config.get('MODELS_FILE', MODELS_FILE)),
    },
  ],
  exports: [ModelList],
})
export class ModelListModule {}
