
BprobabilitiesJ(í2h5"¾9ÿÚ4J¡ª:;?X7,}?=À8w5C(U8ßÌ9