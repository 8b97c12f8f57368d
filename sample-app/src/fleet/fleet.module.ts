import { Module } from '@nestjs/common';
import { FleetConnection } from './fleet-connection';

@Module({ providers: [FleetConnection], exports: [FleetConnection] })
export class FleetModule {}
